# shellcheck shell=bash
# shellcheck disable=SC2034 # the groups are read by name
# Installs the Debian packages that Skink needs. To be sourced:
#
#   skink_install_packages build            # what scripts/build needs
#   skink_install_packages build run test   # groups are added up
#
# Does nothing, and does not call apt, when all are installed. On a system without dpkg it trusts the user.

skink_packages_build=(
  g++ cmake ninja-build ccache
  libboost1.81-dev libpaho-mqttpp-dev libpaho-mqtt-dev libssl-dev libmbedtls-dev
  nanopb libnanopb-dev protobuf-compiler
  libsqlite3-dev libtomlplusplus-dev libcli11-dev libfmt-dev libsystemd-dev
  libjs-dygraphs gzip
)
skink_packages_package=(dpkg-dev fakeroot file lintian)
skink_packages_library=(nanopb protobuf-compiler bzip2 xz-utils python3)  # scripts/package
skink_packages_clean_root=(debootstrap util-linux)  # scripts/check-packages
skink_packages_run=(mosquitto mosquitto-clients openssl python3)
skink_packages_unit=(catch2 libeigen3-dev)  # tests in C++
skink_packages_test=(
  clang-14 curl make prometheus python3-jsonschema python3-numpy python3-paho-mqtt python3-pil python3-kconfiglib python3-yaml sqlite3
  libopenmpi-dev openmpi-bin iproute2 ethtool procps tcpdump chromium
  softhsm2 opensc libengine-pkcs11-openssl # a secure element
)
command -v node >/dev/null || skink_packages_test+=(nodejs npm)  # one from elsewhere does as well
if [[ $(uname -m) == x86_64 ]]; then
  skink_packages_test+=(libc6-dev-i386 lib32stdc++-12-dev) # the preset host32
fi
skink_packages_firmware=(
  gcc-arm-none-eabi libnewlib-arm-none-eabi libstdc++-arm-none-eabi-newlib
  gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf
  gcc-xtensa-lx106 picolibc-xtensa-lx106-elf # for the package of scripts/package alone
  qemu-system-arm qemu-system-misc bzip2 xz-utils
)
skink_packages_wire=(iproute2 ethtool procps tcpdump python3-numpy dnsmasq-base)  # scripts/measure-wire
skink_packages_conformance=(mosquitto openssl python3 python3-numpy python3-paho-mqtt)  # scripts/conformance
skink_packages_data=(git python3-numpy python3-pil)  # scripts/get-data
skink_packages_check=(clang clang-tidy clang-format)

# Prints those of the given packages that are not installed, one a line.
skink_missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | awk '$2 == "installed" {print $1}') || true
  for package in "$@"; do
    grep -qxF -- "$package" <<<"$installed" || printf '%s\n' "$package"
  done
}

# Runs a command as root.
skink_as_root() {
  if [[ $(id -u) -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    return 1
  fi
}

# Package scripts start the services they bring. A policy that says no keeps mosquitto from coming up on this machine;
# one that is there already is left alone.
skink_apt_install() (
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    trap 'skink_as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | skink_as_root tee "$policy" >/dev/null
    skink_as_root chmod 755 "$policy"
  fi
  apt=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -q -y)
  skink_as_root "${apt[@]}" update || echo "apt-get update failed; trying with the lists at hand" >&2
  skink_as_root "${apt[@]}" install --no-install-recommends "$@"
)

skink_install_packages() {
  local group packages=() missing
  for group in "$@"; do
    local -n members="skink_packages_$group"
    packages+=("${members[@]}")
  done
  if ! command -v dpkg-query >/dev/null; then
    echo "Not a Debian system: assuming that these, or their like, are installed: ${packages[*]}" >&2
    return 0
  fi
  mapfile -t missing < <(skink_missing_packages "${packages[@]}")
  if [[ ${#missing[@]} -eq 0 ]]; then
    return 0
  fi
  echo "Installing: ${missing[*]}"
  if [[ $(id -u) -ne 0 ]] && ! command -v sudo >/dev/null; then
    echo "Neither root nor sudo; please install the packages above." >&2
    return 1
  fi
  skink_apt_install "${missing[@]}" || return 1
  # The policy above holds only during the installation; the next boot would start the service.
  if [[ " ${missing[*]} " == *" mosquitto "* ]] && command -v systemctl >/dev/null; then
    skink_as_root systemctl disable mosquitto.service >/dev/null 2>&1 || true
  fi
}
