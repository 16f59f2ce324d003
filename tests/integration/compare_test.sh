#!/usr/bin/env bash
# A comparison that is killed goes on, to the tables of one that was not; arms run by themselves are the same runs.
set -euo pipefail
# shellcheck source=tests/integration/integration_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/integration_lib.sh"
{
  sed 's/^every = .*/every = 0/; s/^final_tasks = .*/final_tasks = 40/; s/^rounds = .*/rounds = 1500/' "$root/experiments/sine.toml"
  printf '[[arm]]\nname = "%s"\n%s\n' "local only" 'meta.strategy = "none"' "TinyReptile" '' "FedAvg, 8" 'meta.strategy = "fedavg"
meta.cohort = 8' "TinyReptile & again" ''
} >"$work/arms.toml"
compare=("$sim" compare "$work/arms.toml" --seeds 1..2 --quiet)
"${compare[@]}" --out "$work/calm" >"$work/calm.txt"
for ((kill = 1; kill <= 3; kill++)); do
  kill_after "0.$((1 + RANDOM % 4))$((RANDOM % 10))" "${compare[@]}" --out "$work/killed"
done
"${compare[@]}" --out "$work/killed" >"$work/killed.txt"
for file in compare.csv compare.md compare.svg units.csv sweep.csv; do
  cmp "$work/calm/$file" "$work/killed/$file" || fail "$file differs"
done
grep -q "TinyReptile and TinyReptile & again are equal to the bit" "$work/calm.txt" || fail "equal arms are not told: $(cat "$work/calm.txt")"
/usr/bin/python3 - "$work/calm" <<'END' || fail "the files do not agree"
import csv, statistics, sys, xml.dom.minidom
folder = sys.argv[1]
arms = {row["arm"]: row for row in csv.DictReader(open(f"{folder}/compare.csv"))}
assert list(arms) == ["local only", "TinyReptile", "FedAvg, 8", "TinyReptile & again"], arms
units = {name: {} for name in arms}
for row in csv.DictReader(open(f"{folder}/units.csv")):
    units[row["arm"]][row["unit"]] = float(row["after"])
base = units["local only"]
for name, row in arms.items():
    assert len(units[name]) == int(row["units"]) == 80
    assert abs(statistics.mean(units[name].values()) - float(row["after"])) < 1e-6
    if name == "local only":
        assert row["difference"] == ""
        continue
    differences = [value - base[unit] for unit, value in units[name].items()]
    assert abs(statistics.mean(differences) - float(row["difference"])) < 1e-6
    assert int(row["better"]) == sum(d < 0 for d in differences) and float(row["signed_rank_p"]) < 1e-6
xml.dom.minidom.parse(f"{folder}/compare.svg")
END

# One of its runs is the run of the experiment.toml that it leaves.
folder=$(find "$work/calm" -maxdepth 1 -name 'arm=FedAvg*')
"$sim" run "$folder/seed-2/experiment.toml" --quiet --out "$work/one" >/dev/null
cmp "$work/one/model.skm" "$folder/seed-2/model.skm" || fail "a run is another one"

# What cannot be done is said.
expect() { # CODE TEXT COMMAND...
  local code=$1 text=$2 got=0
  shift 2
  "$@" >"$work/log" 2>&1 || got=$?
  [[ $got == "$code" ]] || fail "exit code $got, not $code: $* : $(cat "$work/log")"
  grep -qF -- "$text" "$work/log" || fail "'$text' is not said: $(cat "$work/log")"
}
expect 3 "skink-sim compare runs" "$sim" run "$work/arms.toml" --quiet --out "$work/none"
sed 's/^name = "local only"/&\nseed = 7/' "$work/arms.toml" >"$work/seed.toml"
expect 3 "[arm] seed: all arms have the same seeds" "$sim" compare "$work/seed.toml" --quiet --out "$work/none"
expect 3 "one experiment alone" "$sim" compare "$root/experiments/sine.toml" --quiet --out "$work/none"
expect 3 "there is no arm 'Nobody'" "${compare[@]}" --baseline Nobody --out "$work/calm"
expect 3 "has no auc, only" "${compare[@]}" --figure auc --out "$work/calm"
