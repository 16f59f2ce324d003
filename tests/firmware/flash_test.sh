#!/usr/bin/env bash
# scripts/flash without a board: what a dry run prints, every refusal, and with stand-ins for openocd and dfu-util that note
# what they were called with. No tool that could reach hardware is in PATH here.
set -euo pipefail
source=${SKINK_SOURCE_DIR:?}
ctl=${SKINK_BIN_DIR:?}/skinkctl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() {
  echo "FAILED: $*"
  exit 1
}
# A tree of its own, so that it does not matter what is built in the real one.
mkdir -p tree/scripts tree/firmware tree/build/firmware-template tree/build/release/bin bin
cp "$source/scripts/flash" tree/scripts/
cp -r "$source/firmware/ports" tree/firmware/ports
mkdir tree/firmware/ports/bare
for tool in bash basename cat dirname sed; do ln -s "$(command -v $tool)" "bin/$tool"; done
"$source/scripts/make-pki" pki --count 0 --fleet plant >/dev/null
"$ctl" provision --fleet plant --pki pki --broker h:1 --id pump-a pump-b --address 0x08060000 --out pki/images >/dev/null
"$ctl" provision --fleet plant --pki pki --broker h:1 --id elsewhere --out pki/images >/dev/null
"$ctl" provision --fleet plant --pki pki --broker h:1 --id bent --address 0x08060000 --out pki/images >/dev/null
printf '\x55\x55\x55\x55\x55\x55\x55\x55' | dd of=pki/images/bent.bin bs=1 seek=600 conv=notrunc status=none

# expect CODE TEXT ARGUMENT...: scripts/flash exits with CODE and says TEXT
expect() {
  local wanted=$1 text=$2 code=0
  shift 2
  output=$(PATH=$work/bin tree/scripts/flash "$@" 2>&1) || code=$?
  echo "--- flash $*: $code"
  echo "$output"
  [[ $code -eq $wanted ]] || fail "exit code $code instead of $wanted"
  grep -qF -- "$text" <<<"$output" || fail "it does not say '$text'"
}
says() { grep -qxF -- "$1" <<<"$output" || fail "it does not print the line: $1"; }

expect 2 "BOARD and ID are needed" template
expect 2 "unknown option: --fast" --fast
expect 2 "exclude each other" template pump-a --pki pki --identity x.bin
expect 2 "'a/b' is not a device id" template a/b --pki pki
expect 2 "no board 'moon'. Boards: lm3s6965evb mps2-an386 mps2-an500 mps2-an505 pico pico2 template" moon pump-a --pki pki
expect 2 "no board '../x'" ../x pump-a --pki pki
mkdir -p product/bare
cp -r "$source/firmware/ports/template" product/pump
expect 2 "there is no product/bare/flash.conf" product/bare pump-a --pki pki
expect 2 "which image? Name --image ELF" product/pump/ pump-a --pki pki --dry-run
touch pump.elf
expect 0 "program pump.elf verify" product/pump pump-a --pki pki --image pump.elf --dry-run
expect 2 "(product/pump/flash.conf)" product/pump elsewhere --pki pki
expect 2 "firmware/ports/bare has no flash.conf" bare pump-a --pki pki
expect 2 "Name --pki DIR or --identity FILE" template pump-a
expect 2 "pki/images/pump-z.bin: there is no identity image of pump-z. Make one: skinkctl provision --fleet FLEET --pki pki \
--broker HOST:PORT --id pump-z --address 0x08060000" template pump-z --pki pki --dry-run
expect 2 "elsewhere.hex was made for 0x0007F000, but template has its identity at 0x08060000" template elsewhere --pki pki
expect 2 "neither .bin nor .hex" template pump-a --identity "$ctl"
expect 2 "'st-flash' is no tool" template pump-a --pki pki --tool st-flash

image=tree/build/firmware-template/skink-client.elf
expect 2 "$image is absent. Build it: scripts/fetch-firmware-deps && cmake --workflow --preset firmware-template" \
  template pump-a --pki pki --dry-run
touch "$image" "spa ce.elf"
expect 2 "cannot be passed on" template pump-a --pki pki --image "spa ce.elf" --dry-run

expect 0 "openocd is not installed (apt-get install openocd)" template pump-a --pki pki --dry-run
expect 2 "openocd is not installed: apt-get install openocd" template pump-a --pki pki
expect 0 "dfu-util is not installed (apt-get install dfu-util)" template pump-a --pki pki --tool dfu-util --dry-run
expect 2 "dfu-util is not installed: apt-get install dfu-util" template pump-a --pki pki --tool dfu-util
expect 0 "whose identity it is was not checked" template pump-a --pki pki --dry-run

ln -s "$ctl" tree/build/release/bin/skinkctl
expect 2 "pki/images/pump-b.bin is the identity of 'pump-b', not of 'pump-a'" template pump-a --identity pki/images/pump-b.bin
expect 2 "bent.bin: refused: the content is damaged" template bent --pki pki

for tool in openocd dfu-util arm-none-eabi-objcopy; do
  printf '#!/usr/bin/env bash\nprintf "<%%s>" "%s" "$@" >>"%s/called"\necho >>"%s/called"\n' "$tool" "$work" "$work" >"bin/$tool"
  chmod +x "bin/$tool"
done
ln -s "$(command -v env)" bin/env
openocd="openocd -f interface/stlink.cfg -f target/stm32f4x.cfg -c 'program $image verify'"
expect 0 openocd template pump-a --pki pki --dry-run
says "$openocd -c 'program pki/images/pump-a.hex verify reset exit'"
[[ $(wc -l <<<"$output") -eq 1 ]] || fail "more than one line"
expect 0 "arm-none-eabi-objcopy -O binary $image ${image%.elf}.bin" template pump-a --pki pki --tool dfu-util --dry-run
says "dfu-util -a 0 -s 0x08000000 -D ${image%.elf}.bin"
says "dfu-util -a 0 -s 0x08060000:leave -D pki/images/pump-a.bin"
[[ ! -e called ]] || fail "a dry run called a tool"

mkdir alone
cp pki/images/pump-a.bin alone/
cp pki/images/pump-a.hex hex-only.hex
expect 0 "nobody knows for which address" template pump-a --identity alone/pump-a.bin --dry-run
says "$openocd -c 'program alone/pump-a.bin 0x08060000 verify reset exit'"
expect 0 "program hex-only.hex verify reset exit" template pump-a --identity hex-only.hex --dry-run
expect 2 "dfu-util takes no .hex" template pump-a --identity hex-only.hex --tool dfu-util --dry-run

expect 0 openocd template pump-a --pki pki
expect 0 dfu-util template pump-a --pki pki --tool dfu-util
diff - called <<END || fail "the tools were called with something else than was printed"
<openocd><-f><interface/stlink.cfg><-f><target/stm32f4x.cfg><-c><program $image verify><-c><program pki/images/pump-a.hex verify reset exit>
<arm-none-eabi-objcopy><-O><binary><$image><${image%.elf}.bin>
<dfu-util><-a><0><-s><0x08000000><-D><${image%.elf}.bin>
<dfu-util><-a><0><-s><0x08060000:leave><-D><pki/images/pump-a.bin>
END
printf '#!/usr/bin/env bash\nexit 74\n' >bin/dfu-util
expect 1 "dfu-util failed" template pump-a --pki pki --tool dfu-util

# A file to be dragged onto the board.
expect 2 "flash_uf2_family is not set" template pump-a --pki pki --tool uf2 --dry-run
"$ctl" provision --fleet plant --pki pki --broker h:1 --id pico-a --address 0x1007F000 --out pki/images >/dev/null
mkdir tree/build/firmware-pico
printf 'no ELF' >tree/build/firmware-pico/skink-client.elf
cp "$source/scripts/make-uf2" tree/scripts/
ln -s "${SKINK_PYTHON:-$(command -v python3)}" bin/python3
expect 0 "copy pico-a.uf2 onto the drive" pico pico-a --pki pki --dry-run
says "$work/tree/scripts/make-uf2 --family rp2040 --out pico-a.uf2 tree/build/firmware-pico/skink-client.elf pki/images/pico-a.bin@0x1007F000"
expect 1 "is no ELF file" pico pico-a --pki pki
expect 1 "make-uf2 failed; there is no file for the board" pico pico-a --pki pki
expect 2 "flash_openocd is not set" pico2 pico-a --pki pki --tool openocd --dry-run

for board in mps2-an386 mps2-an500 mps2-an505 lm3s6965evb; do
  expect 0 "so it runs in QEMU only" $board pump-a --pki pki --dry-run
  says "scripts/qemu-device --board $board --identity pki/images/pump-a.bin --flash pump-a.flash"
  expect 2 "There is nothing to write" $board pump-a --pki pki
done

sed -i '/^flash_dfu=/d' tree/firmware/ports/template/flash.conf
expect 2 "flash_dfu is not set" template pump-a --pki pki --tool dfu-util --dry-run
sed -i 's/^flash_identity_address=.*/flash_identity_address=8060000/' tree/firmware/ports/template/flash.conf
expect 2 "'8060000' is not 0x and 8 hexadecimal digits" template pump-a --pki pki --dry-run
echo "printed, and refused as it must be"
