# Sourced by the other scripts: one virtual environment in .venv, rebuilt only when what it is made of changes.
# Needs no root: a Python of 3.11 or newer and the package registry are enough. uv is used for speed when it is there.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
root=$PWD
venv=$root/.venv
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore

say() { printf '%s\n' "$*" >&2; }

is_new_enough() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null; }

# The first Python that starts and is new enough: a version manager's shims may be on the path and not start.
find_python() {
  local name
  for name in "${PYTHON:-}" python3.12 python3.13 python3.11 python3.14 python3 python; do
    if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1 && is_new_enough "$name"; then
      command -v "$name"
      return 0
    fi
  done
  return 1
}

make_venv() {
  local python
  if python=$(find_python); then
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear "$venv" >&2 && return 0
    say "Python's venv module did not work. On Debian and Ubuntu: apt-get install python3-venv"
  else
    say "No Python from 3.11 to 3.14 was found (looked for python3.11 ... python3.14, python3, and \$PYTHON)."
  fi
  if command -v uv >/dev/null 2>&1; then
    say "asking uv for one"
    uv venv --quiet --seed --clear --python ">=3.11,<3.15" "$venv" >&2 && return 0
  fi
  say "Install Python 3.11 or newer (Debian 12 and Ubuntu 24.04 have it), or say where it is: PYTHON=/path/to/python3.12 $0"
  return 1
}

# fingerprint NAME -> what the environment depends on, as one word
fingerprint() {
  "$venv/bin/python" - "$root" "$1" <<'PY'
import hashlib, pathlib, sys
root, name = pathlib.Path(sys.argv[1]), sys.argv[2]
digest = hashlib.sha256(f"{root} {name} {sys.version}".encode())
for part in ("pyproject.toml", "constraints.txt"):
    digest.update((root / part).read_bytes())
print(digest.hexdigest())
PY
}

install() {
  local what=$1
  if command -v uv >/dev/null 2>&1; then
    uv pip install --quiet --python "$venv/bin/python" -c constraints.txt -e "$what" >/dev/null 2>&1 && return 0
    say "uv could not install (it does not know pip's settings); trying pip"
  fi
  "$venv/bin/python" -m pip install -qq --upgrade "pip>=25" >&2 || return 1
  "$venv/bin/python" -m pip install -qq --prefer-binary -c constraints.txt -e "$what" >&2
}

# prepare EXTRAS NAME...: the environment with these extras; NAMEs are the stamps that it satisfies.
prepare() {
  local extras=$1 name started=$SECONDS
  shift
  if [ ! -x "$venv/bin/python" ] || ! is_new_enough "$venv/bin/python"; then
    make_venv || return 1
  fi
  if [ "$(cat "$venv/.installed-$1" 2>/dev/null)" = "$(fingerprint "$1")" ]; then
    return 0
  fi
  say "installing voice-agent[$extras] into .venv (the first time takes a minute or two)"
  if ! install ".[$extras]"; then
    say "The installation failed; the lines above say why. Without access to a package registry set PIP_INDEX_URL to one."
    return 1
  fi
  for name in "$@"; do fingerprint "$name" >"$venv/.installed-$name"; done
  say "installed in $((SECONDS - started)) s"
}
