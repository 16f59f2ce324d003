#!/usr/bin/env bash
# skinkctl provision and identity show from outside: exit codes, refusals that write nothing, a thousand devices, and
# files that other tools accept.
set -euo pipefail
root=${SKINK_SOURCE_DIR:?}
ctl=${SKINK_BIN_DIR:?}/skinkctl
if ! command -v openssl >/dev/null; then
  echo "SKIPPED: provisioning: openssl is not installed"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cd "$work"
fail() {
  echo "FAILED: $*"
  exit 1
}
# expect CODE TEXT COMMAND...: exits with CODE and says TEXT
expect() {
  local wanted=$1 text=$2 code=0 output
  shift 2
  output=$("$@" 2>&1) || code=$?
  [[ $code -eq $wanted ]] || fail "exit code $code instead of $wanted: $* : $output"
  grep -qE -- "$text" <<<"$output" || fail "no '$text' in the message of: $* : $output"
}
# what_is_there: every file with its content
what_is_there() { find pki -type f -print0 | sort -z | xargs -0 sha256sum; }

# make-pki moves nothing to its place before it is on the disk, and ends with the new names there.
mkdir tools
for tool in mv sync; do
  # shellcheck disable=SC2016 # expanded when the tool runs
  printf '#!/usr/bin/env bash\nprintf "%s %%s\\n" "$*" >>"$SKINK_MOVES"\nexec %s "$@"\n' "$tool" "$(command -v "$tool")" >"tools/$tool"
  chmod +x "tools/$tool"
done
SKINK_MOVES=$work/moves.log PATH=$work/tools:$PATH "$root/scripts/make-pki" pki --count 2 --fleet plant >/dev/null
/usr/bin/python3 - <<'END' || fail "make-pki moves what is not on the disk: $(cat moves.log)"
import os
calls = [line.split() for line in open("moves.log")]
moves = [i for i, call in enumerate(calls) if call[0] == "mv"]
assert len(moves) == 8, moves
for i in moves:
    source, target = calls[i][1:]
    assert any(call[0] == "sync" and source in call for call in calls[:i]), source
    assert calls[i + 1] == ["sync", os.path.dirname(target) or "."], target
END
rm -r pki/devices/device-001
provision=("$ctl" provision --fleet plant --pki pki --broker gateway.local:8883)
expect 0 "2 of 2 devices" "${provision[@]}" --id pump-a pump-b --out images --address 0x0807F000 --days 20
expect 0 "device +pump-a of fleet plant" "$ctl" identity show images/pump-a.bin
openssl verify -purpose sslclient -CAfile pki/ca.pem pki/devices/pump-a/cert.pem >/dev/null || fail "openssl refuses pump-a"
if openssl verify -purpose sslserver -CAfile pki/ca.pem pki/devices/pump-a/cert.pem >/dev/null 2>&1; then
  fail "a device could pose as a broker"
fi
[[ -z $(find pki images \( -name '*.key' -o -name key.pem -o -name '*.bin' -o -name '*.hex' \) -perm /077) ]] ||
  fail "others may read secrets"
if command -v arm-none-eabi-objcopy >/dev/null; then
  arm-none-eabi-objcopy -I ihex -O binary images/pump-a.hex back.bin
  cmp back.bin images/pump-a.bin || fail "the HEX file holds something else"
  arm-none-eabi-objdump -h -b ihex images/pump-a.hex | grep -q 0807f000 || fail "the HEX file is based elsewhere"
else
  echo "SKIPPED: HEX files read by another tool: arm-none-eabi-objcopy is not installed"
fi

# ---- refusals ----
before=$(what_is_there)
expect 2 "'pump-a' exists" "${provision[@]}" --id pump-c pump-a --out images
expect 2 "'device-000' exists" "${provision[@]}" --count 3 --out images
expect 2 "'\.\.' is not a device id" "${provision[@]}" --id ..
expect 2 "'nowhere' is not HOST:PORT" "$ctl" provision --fleet plant --pki pki --broker nowhere --id pump-c
expect 2 "a/b" "$ctl" provision --fleet a/b --pki pki --broker h:1 --id pump-c
expect 2 "0x1ffffffff" "${provision[@]}" --id pump-c --address 0x1ffffffff
expect 2 "required" "${provision[@]}"
expect 2 "days" "${provision[@]}" --id pump-c --days 0
expect 2 "excludes" "${provision[@]}" --id pump-c --count 1
expect 5 "none/ca.pem: cannot be read" "$ctl" provision --fleet plant --pki none --broker h:1 --id pump-c
[[ $(what_is_there) == "$before" ]] || fail "a refusal wrote something"
mkdir odd
cp pki/ca.pem pki/ca.key odd
echo "not a key" >odd/master.key
expect 5 "master.key: a key is 64" "$ctl" provision --fleet plant --pki odd --broker h:1 --id pump-c
[[ $(ls -A odd) == $'ca.key\nca.pem\nmaster.key' ]] || fail "a refusal wrote something"
expect 8 "/proc/none" "${provision[@]}" --id pump-c --out /proc/none
[[ ! -e pki/devices/pump-c ]] || fail "half a device"

old=$(openssl x509 -in pki/devices/pump-a/cert.pem -noout -serial)
expect 0 "1 of 1 devices" "${provision[@]}" --id pump-a --out images --force
[[ $(openssl x509 -in pki/devices/pump-a/cert.pem -noout -serial) != "$old" ]] || fail "--force kept the certificate"

# ---- two at once: what is checked is checked with the lock ----
# A list that is a pipe holds a program where it reads the list, until another one has done its work or was refused.
old=$(openssl x509 -in pki/devices/pump-b/cert.pem -noout -serial)
for victim in late-1 late-2; do
  mkfifo pipe
  cp pki/revoked.txt kept.txt
  mv pipe pki/revoked.txt
  "${provision[@]}" --id "$victim" >held.txt 2>&1 &
  held=$!
  exec 8>pki/revoked.txt # opens when somebody reads
  mv pki/revoked.txt pipe
  cp kept.txt pki/revoked.txt
  if [[ $victim == late-1 ]]; then
    expect 8 "another program issues or revokes here" "${provision[@]}" --id late-1
  else
    expect 8 "another program issues or revokes here" "$ctl" device revoke --pki pki pump-b
  fi
  exec 8>&-
  wait "$held" || fail "the first one is refused: $(cat held.txt)"
  rm pipe
done
[[ $(openssl x509 -in pki/devices/pump-b/cert.pem -noout -serial) == "$old" ]] || fail "keys were replaced"

# ---- the first use of the release key, by several ----
printf 'firmware' >content.bin
for ((i = 0; i < 10; i++)); do
  rm -f pki/release.key pki/release.pub
  signers=()
  for name in a b c d; do
    "$ctl" release sign --pki pki --firmware content.bin --name "$name" --out "$name.release" >"$name.txt" 2>&1 &
    signers+=("$!")
  done
  for signer in "${signers[@]}"; do wait "$signer" || fail "a signer fails: $(cat ./?.txt)"; done
  for name in a b c d; do expect 0 "release +$name" "$ctl" release show --pki pki "$name.release"; done
done

# ---- images ----
cp images/pump-b.bin bent.bin
printf '\x55' | dd of=bent.bin bs=1 seek=600 conv=notrunc status=none
expect 4 "bent.bin: refused: the content is damaged" "$ctl" identity show bent.bin
head -c 700 images/pump-b.bin >torn.bin
expect 4 "too early" "$ctl" identity show torn.bin
head -c 4096 /dev/zero | tr '\0' '\377' >erased.bin
expect 4 "not provisioned" "$ctl" identity show erased.bin
expect 4 "none.bin: cannot be read" "$ctl" identity show none.bin

# ---- many ----
start=$SECONDS
"${provision[@]}" --count 1000 --prefix many- --out many >many.txt
took=$((SECONDS - start))
tail -n 1 many.txt
[[ $(find many -name '*.bin' | wc -l) -eq 1000 && -s pki/devices/many-999/key.pem ]] || fail "not all of them are there"
echo "1000 devices in $took s"
[[ $took -lt 120 ]] || fail "that is too slow"
echo "provisioned, and refused as it must be"
