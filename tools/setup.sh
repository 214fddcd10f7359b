#!/usr/bin/env bash
# Makes .venv and what it needs from the system, from nothing; quick when nothing changed.
#   tools/setup.sh base    what serves                      (make up)
#   tools/setup.sh test    and what the tests need          (make test)
#   tools/setup.sh dev     and what the checks need         (make check, make lock)
# Packages come from requirements/LEVEL.lock: every hash checked, wheels only, from whatever index, mirror, proxy and certificates pip is
# configured for. Debian packages that are missing are installed when root; otherwise the line to type is printed. PYTHON=… names a Python.
set -euo pipefail
cd "$(dirname "$0")/.."

level=${1:-base}
venv=.venv
stamp=$venv/installed          # level, digest of the locks, where it was made, with which Python
making=$venv/being-installed   # there while packages are unpacked: what is found with it is half-made
room_mb=1600                   # what .venv takes, and the downloads beside it
full_mb=20                     # with less than this free, what fails fails for want of room
is_full="The disk of $PWD is full: installing takes $room_mb MB."

say() { printf '%-11s%s\n' "$1" "$2"; }
stop() { printf '%s\n' "$*" >&2; exit 1; }

order() { case $1 in base) echo 1 ;; test) echo 2 ;; dev) echo 3 ;; *) stop "tools/setup.sh knows base, test and dev; it was given \"$1\"." ;; esac; }

digest() { cat requirements/*.lock pyproject.toml | sha256sum | cut -c1-64; }

version_of() { "$1" -IS -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true; }

# 0 when .venv holds at least this level of these very locks, is where it was made, and its Python runs.
is_current() {
  local has="" locks="" place="" python=""
  [ ! -e "$making" ] && [ -f "$stamp" ] || return 1
  { read -r has; read -r locks; read -r place; read -r python; } < "$stamp" || return 1
  [ "$(order "$has")" -ge "$(order "$level")" ] && [ "$locks" = "$(digest)" ] && [ "$place" = "$PWD" ] \
    && [ "$(version_of $venv/bin/python)" = "$python" ]
}

# The first Python that is new enough; sets `python`.
choose_python() {
  local each seen=""
  for each in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
    case $(version_of "$each") in
      3.1[1-9] | 3.[2-9][0-9]) python=$each; return ;;
      "") ;;
      *) seen="$seen $each is $(version_of "$each")." ;;
    esac
  done
  stop "Headrace needs Python 3.11 or newer, and there is none here.$seen On Debian 12 or Ubuntu 24.04: apt-get install python3"
}

free_mb() { df -Pm . | awk 'NR == 2 { print $4 }'; }

check_machine() {
  case "$(uname -s) $(uname -m)" in
    "Linux x86_64" | "Linux aarch64") ;;
    *) stop "Headrace runs on Linux on x86_64 or aarch64, and this is $(uname -s) on $(uname -m). Use a container or a virtual machine." ;;
  esac
  [ "$(free_mb)" -ge $room_mb ] || [ -d $venv ] || stop "Installing takes $room_mb MB, and $(free_mb) MB are free on the disk of $PWD. Make room."
}

# What the engine says about this machine, before anything is fetched: its check needs the standard library only.
engine_says() {
  PYTHONPATH=src "$python" -B -c '
from headrace.adapters.engines.llama import preflight
from headrace.core.errors import HeadraceError
try:
    preflight()
except HeadraceError as error:
    print(error.code, error)'
}

# Debian packages that are missing, for this level; sets `missing`.
look_for_packages() {
  local said
  missing=()
  said=$(engine_says)
  case $said in
    "") ;;
    models.no_libgomp*) missing+=(libgomp1) ;;
    *) stop "${said#* }" ;;
  esac
  is_whole || "$python" -c 'import ensurepip, venv' 2>/dev/null || missing+=("python$(version_of "$python")-venv")
  [ "$level" != base ] || return 0
  [ -n "$(command -v chromium || true)" ] || missing+=(chromium)
  [ -n "$(command -v strace || true)" ] || missing+=(strace)
  [ -n "$(command -v curl || true)" ] || missing+=(curl)
  # The browser's driver and the type checker each bring a node, which wants this.
  "$python" -c 'import ctypes; ctypes.CDLL("libatomic.so.1")' 2>/dev/null || missing+=(libatomic1)
}

install_packages() {
  [ ${#missing[@]} -gt 0 ] || return 0
  local line="apt-get install --no-install-recommends ${missing[*]}" log
  command -v apt-get >/dev/null || stop "Missing: ${missing[*]} (Debian's names). Install them with this system's package tool, then try again."
  [ "$(id -u)" = 0 ] || stop "Missing: ${missing[*]}. Type this, then try again:  sudo $line"
  say system "installing ${missing[*]}"
  log=$(mktemp)
  if ! { apt-get update -qq && DEBIAN_FRONTEND=noninteractive $line -qq -y; } > "$log" 2>&1 < /dev/null; then
    grep -E '^[EW]:' "$log" >&2 || tail -5 "$log" >&2
    rm -f "$log"
    stop "Debian's packages could not be installed. Mend what is said above, or type:  $line"
  fi
  rm -f "$log"
}

# 0 when .venv is whole: its Python and pip run, and nothing was broken off in the middle.
is_whole() { [ ! -e "$making" ] && $venv/bin/python -c 'import pip' 2>/dev/null; }

# A .venv that is whole, made anew where it is not. Sets `fresh`.
make_venv() {
  fresh=""
  trap 'give_up "Interrupted."' INT TERM
  local old
  old=$(sed -n 3p "$stamp" 2>/dev/null || true)
  # Scripts in a path with spaces are of another form, so there a move means a new environment.
  if is_whole && [[ "$old" = "$PWD" || "$old$PWD" != *" "* ]]; then
    [ "$old" = "$PWD" ] || follow_move
    return
  fi
  fresh=yes
  rm -rf $venv
  mkdir $venv
  : > "$making"
  local said
  said=$("$python" -m venv $venv 2>&1) || give_up "The virtual environment could not be made: $(tail -1 <<< "$said")"
}

# Where a checkout was moved, its .venv still names the old place.
follow_move() {
  local said file line
  said=$($venv/bin/python -m venv $venv 2>&1) || give_up "The virtual environment could not follow its move: $(tail -1 <<< "$said")"
  for file in $venv/bin/*; do
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    IFS= read -r line < "$file" || continue
    case $line in "#!"*/python*) sed -i "1s|^#!.*|#!$PWD/$venv/bin/python|" "$file" ;; esac
  done 2>/dev/null
}

# Ends with the reason. A .venv that was made just now is taken away; an older one whose packages were touched is made anew next time.
give_up() {
  local reason=$*
  [ "$(free_mb)" -ge $full_mb ] || reason=$is_full
  [ -z "$fresh" ] || rm -rf $venv
  rm -rf $venv/tmp
  stop "$reason Nothing half-made is left; try again with the same command."
}

pip() { $venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }

progress() { [ ! -t 1 ] || printf '\r\033[K%s' "${1:+           $1}"; }

# pip's words go to a log; on a terminal one line tells where it is.
install_locked() {
  local log=$venv/pip.log total n=0 word name rest
  total=$(grep -cE '^[a-z0-9]' "requirements/$level.lock")
  say packages "$total in requirements/$level.lock"
  rm -rf $venv/tmp "$log"
  mkdir $venv/tmp
  # Downloads go to the same disk as .venv, and no second copy of every package is kept.
  if ! TMPDIR=$PWD/$venv/tmp PIP_NO_CACHE_DIR=${PIP_NO_CACHE_DIR-1} pip install --require-hashes --only-binary :all: --progress-bar off \
    -r "requirements/$level.lock" 2>&1 < /dev/null | while read -r word name rest; do
      printf '%s %s %s\n' "$word" "$name" "$rest" >> "$log"
      case $word in
        Collecting) n=$((n + 1)); progress "$n of $total  ${name%%[=<>]*}" ;;
        Installing) : > "$making"; progress "unpacking" ;;
      esac
    done; then
    progress ""
    pip_failed "$log"
  fi
  progress ""
  rm -rf $venv/tmp "$log"
}

pip_failed() {
  ! grep -qi 'no space left on device' "$1" || give_up "$is_full"
  [ "$(free_mb)" -lt $full_mb ] || grep -E '^ERROR' "$1" >&2 || tail -3 "$1" >&2
  give_up "The packages could not be installed. Mirrors, proxies and certificates are pip's own settings (docs/how-to/install.md)."
}

# Headrace itself, from this checkout: its build backend is among the locked packages, nothing is fetched.
install_self() {
  local said
  said=$(pip install --quiet --no-index --no-deps --no-build-isolation --editable . 2>&1) \
    || give_up "Headrace itself could not be installed: $(tail -1 <<< "$said")"
}

main() {
  order "$level" > /dev/null
  ! is_current || return 0
  check_machine
  choose_python
  look_for_packages
  install_packages
  exec 9> .venv.lock
  flock -n 9 || { say waiting "another make installs here"; flock 9; }
  ! is_current || return 0
  local began=$SECONDS
  make_venv
  install_locked
  install_self
  printf '%s\n' "$level" "$(digest)" "$PWD" "$(version_of $venv/bin/python)" > "$stamp"
  rm -f "$making"
  say "" "installed in $((SECONDS - began)) s"
}

main
