# shellcheck shell=bash
# Packages of other suites of Debian than this machine's, without touching its package lists. To be sourced:
#
#   skink_suite_lists DIR trixie deb             # lists of packages (deb) or sources (deb-src), below DIR
#   skink_suite_apt DIR apt-get source ...       # apt with these lists only
#   skink_suite_unpack DIR mosquitto ROOT        # a package with all that it needs, unpacked below ROOT, installed nowhere
#
# The archive is one that apt uses already.

# The archives that apt knows, of Debian and others, one a line: those that its lists call Debian's first. A machine may
# have no lists, and then only its sources say what there is.
skink_archives() {
  {
    # shellcheck disable=SC2016 # apt replaces them
    apt-get indextargets --format '$(REPO_URI) $(SUITE) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null |
      awk '$3 == "Debian" && $2 !~ /-(security|updates|backports)$/ {print $1}'
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
      sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]+(\[[^]]*\][[:space:]]*)?([^[:space:]]+).*/\3/p'
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '$1 == "URIs:" {for (i = 2; i <= NF; ++i) print $i}'
  } | sed 's|/*$|/|' | awk '!seen[$0]++' || true
}

# What is not signed by Debian is no Debian.
skink_suite_lists() {
  local work=$1 suite=$2 kind=$3 uri
  mkdir -p "$work"/{state,lists/partial,archives/partial,sources.d}
  : >"$work/state/status" # as if nothing were installed
  while IFS= read -r uri; do
    printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$kind" "$uri" "$suite" \
      >"$work/sources.d/$suite.list"
    if skink_suite_apt "$work" apt-get -o APT::Update::Error-Mode=any update >"$work/log" 2>&1; then return 0; fi
  done < <(skink_archives)
  [[ ! -f $work/log ]] || tail -n 20 "$work/log" >&2
  echo "No archive that apt knows has Debian's $suite" >&2
  return 1
}

skink_suite_apt() {
  local work=$1 program=$2
  shift 2
  "$program" -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources.d" -o "Dir::State=$work/state" \
    -o "Dir::State::status=$work/state/status" -o "Dir::State::lists=$work/lists" -o "Dir::Cache::archives=$work/archives" \
    -o Dir::Cache::srcpkgcache= -o Dir::Cache::pkgcache= -o APT::Sandbox::User= -o Acquire::Retries=3 "$@"
}

skink_suite_unpack() {
  local work=$1 package=$2 root=$3 archive
  skink_suite_apt "$work" apt-get -y --no-install-recommends --download-only install "$package" >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    return 1
  }
  mkdir -p "$root"
  for archive in "$work"/archives/*.deb; do
    dpkg-deb -x "$archive" "$root" || return 1
  done
}
