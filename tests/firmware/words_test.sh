#!/usr/bin/env bash
# A device is taught words with a button, without a network: five times each of three, then it adapts the model that it was made
# with and recognises them. The model was meta-trained on features of recordings of other words.
set -euo pipefail
# shellcheck source=tests/firmware/firmware_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/firmware_lib.sh"
need_board mps2-an386 skink-words qemu-system-arm
for program in skink-sim skinkctl; do
  [[ -x $fleet_bin/$program ]] || fail "$program was not built"
done
cd "$fleet_work"

# What the researcher does.
/usr/bin/python3 "$fleet_root/tests/support/make_words.py" recordings
"$fleet_bin/skink-sim" features recordings --out data/words --scale 3.0517578125e-05 --window 256 --hop 128 --mel 10 \
  --rate 8000 --low 100 --high 3800 --frames 20 --quiet >features.txt || fail "$(cat features.txt)"
"$fleet_bin/skink-sim" run "$fleet_root/experiments/words.toml" --data data --out run --quiet >run.txt 2>&1 || fail "$(cat run.txt)"
before=$(summary_field run/summary.json query_accuracy_before)
after=$(summary_field run/summary.json query_accuracy_after)
echo "simulated, words that were not trained on: $before before adaptation, $after after"
awk -v after="$after" 'BEGIN { exit !(after > 0.9) }' || fail "the simulated devices do not learn"

# What is flashed. There is no broker: nobody listens on this port.
"$fleet_root/scripts/make-pki" pki --count 0 --fleet demo >pki.log
fleet_port=$(free_port)
fleet_provision words
"$fleet_bin/skinkctl" release sign --pki pki --model run/model.skm --name words --number 1 --out words.release >/dev/null

# hear LOG: runs the device until it has heard 30 words with what it learned, then cuts its power
hear() {
  local log=$1 tries=600
  "$fleet_root/scripts/qemu-device" --board mps2-an386 --image "$fleet_root/build/firmware-mps2-an386/skink-words.elf" \
    --identity images/words.bin --release words.release --flash words.flash >"$log" 2>&1 &
  fleet_pids+=($!)
  local device=$!
  until [[ $(grep -c '^heard: .*adapted weights' "$log") -ge 30 ]]; do
    tries=$((tries - 1))
    if [[ $tries -le 0 ]] || ! kill -0 "$device" 2>/dev/null; then
      cat "$log"
      fail "the words did not come"
    fi
    sleep 0.2
  done
  kill -9 "$device"
  wait "$device" 2>/dev/null || true
}
hear device.log
grep -v '^heard' device.log
for word in rise fall knock; do
  [[ $(grep -c "^word: $word, [1-5] of 5" device.log) -eq 5 ]] || fail "not five times $word"
done
grep -q "^adapted: the words held back say it is better" device.log || fail "adapting did not help"

# After the lesson the microphone says the three in turn.
right=$(grep '^heard: .*adapted weights' device.log | head -n 30 | awk '
  BEGIN { number["rise,"] = 0; number["fall,"] = 1; number["knock,"] = 2 }
  { ++count[(number[$2] - NR + 300) % 3] }
  END { best = 0; for (i in count) if (count[i] > best) best = count[i]; print best }')
echo "on the device: $right of 30 words recognised"
((right >= 27)) || { grep '^heard' device.log && fail "fewer than 27 of 30"; }

# After a reset it knows them, and nobody shows it anything.
hear again.log
grep -v '^heard' again.log
grep -q '^adapted before the reset' again.log || fail "it does not know that it has adapted"
! grep -q '^word: \|^adapting' again.log || fail "it was taught again"

