# Sourced by the commands beside it, which then call set_up: that makes .venv and node_modules, and is quick when they
# are there already. Everything that tools print goes to .localcloud/logs/setup.log, which is named when something fails.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# The command's first lines are its help, which needs nothing set up.
case " $* " in
    *" -h "* | *" --help "*)
        sed -n '2,$ { /^#/!q; s/^# \{0,1\}//p; }' "$0"
        exit
        ;;
esac

cd "$root"
setup_log=$root/.localcloud/logs/setup.log
setup_lock=$root/.localcloud/setup.lock
mkdir -p "$(dirname "$setup_log")"
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 PIP_DISABLE_PIP_VERSION_CHECK=1
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV PIP_USER PIP_TARGET PIP_PREFIX
unset PYTHONDONTWRITEBYTECODE # pip compiles nothing (it takes long), and without bytecode each process compiles the CDK
# npm, jsii and uv fail where they can't keep their caches.
if ! [ -d "${HOME:-}" ] || ! [ -w "$HOME" ]; then
    export npm_config_cache=$root/.localcloud/npm JSII_RUNTIME_PACKAGE_CACHE_ROOT=$root/.localcloud/jsii
    export UV_CACHE_DIR=$root/.localcloud/uv
fi
trap 'stop_dots; echo Interrupted. >&2; exit 130' INT

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# Print a dot every other second, so that a wait shows life. It ends with this shell, if not before.
start_dots() {
    while kill -0 $$ 2>/dev/null; do
        printf .
        sleep 2 >/dev/null 2>&1
    done &
    dots=$!
}

stop_dots() {
    { kill "$dots" && wait "$dots"; } 2>/dev/null || true
    dots=
    echo
}

# Run a tool quietly under a title: step TITLE COMMAND...
step() {
    local code=0
    printf '==> %s\n' "$1"
    shift
    start_dots
    "$@" >>"$setup_log" 2>&1 || code=$?
    stop_dots
    [ "$code" = 0 ] || {
        tail -n 20 "$setup_log" >&2
        fail "" "That failed: $*" "Its whole output is in $setup_log"
    }
}

# Let one command at a time set up; a lock whose holder is gone is removed.
lock() {
    local holder
    until mkdir "$setup_lock" 2>/dev/null; do
        holder=$(cat "$setup_lock/pid" 2>/dev/null || true)
        if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null; then
            rm -rf "$setup_lock"
        elif [ -z "${dots:-}" ]; then
            echo "==> Waiting for another command of this checkout to finish its set-up"
            start_dots
        fi
        sleep 0.2
    done
    [ -z "${dots:-}" ] || stop_dots
    echo $$ >"$setup_lock/pid"
    trap unlock EXIT
}

unlock() {
    rm -rf "$setup_lock"
    trap - EXIT
}

# Print $PYTHON; where it isn't set, the first Python that is new enough.
find_python() {
    local candidate candidates=(python3 python3.14 python3.13 python3.12 python3.11 python3.10)
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    [ -z "${PYTHON:-}" ] || fail "PYTHON=$PYTHON isn't Python 3.10 or newer. Name another one, or unset PYTHON."
    fail "Python 3.10 or newer is needed, and none was found. Install it (Debian and Ubuntu: apt install python3" \
        "python3-venv), or name one: PYTHON=/path/to/python3 $0"
}

check_node() {
    command -v npm >/dev/null && command -v node >/dev/null ||
        fail "Node.js 22 or newer with npm is needed for the AWS CDK, and was not found. Install it from nodejs.org or" \
            "with a version manager."
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' ||
        fail "Node.js 22 or newer is needed for the AWS CDK (20 works, with warnings); $(command -v node) is" \
            "$(node --version)."
}

# Make .venv with the packages of a group of uv.lock: deploy, or dev, which has these and more.
make_virtual_environment() {
    local group=$1 python wanted made
    python=$(find_python) || exit 1
    wanted=$({ "$python" -VV; pwd; cat uv.lock; } | cksum)
    made=$([ ! -x .venv/bin/python ] || cat .venv/stamp 2>/dev/null || true)
    case $made in "$wanted $group" | "$wanted dev") return ;; esac
    # One without a stamp is the user's; an empty stamp is of one that is half made.
    [ ! -e .venv ] || [ -e .venv/stamp ] ||
        fail "$root/.venv exists, and wasn't made by the commands of scripts/. Move it elsewhere, or remove it."
    if [ "$made" != "$wanted deploy" ]; then
        "$python" -c 'import venv, ensurepip' 2>/dev/null ||
            fail "$python cannot make virtual environments. Debian and Ubuntu keep that in a package of its own:" \
                "apt install python3-venv"
        rm -rf .venv
        mkdir .venv
        : >.venv/stamp
        step "Making the virtual environment (.venv)" "$python" -m venv .venv
        step "Installing uv, which installs the packages" \
            .venv/bin/pip install --no-compile --require-hashes --only-binary :all: --requirement scripts/uv.txt
    fi
    step "Installing the Python packages" .venv/bin/python -m localcloud.virtual_environment "$group"
    printf '%s %s\n' "$wanted" "$group" >.venv/stamp
}

install_cdk_cli() {
    local stamp
    stamp=$({ node --version; cat package-lock.json; } | cksum)
    [ "$(cat node_modules/stamp 2>/dev/null)" = "$stamp" ] && return
    step "Installing the CDK CLI (30 MB)" npm ci --ignore-scripts --no-audit --no-fund
    printf '%s\n' "$stamp" >node_modules/stamp
}

# Install what ./scripts/deploy needs (set_up deploy), or what the checks need as well (set_up dev).
set_up() {
    check_node
    lock
    : >"$setup_log"
    make_virtual_environment "$1"
    install_cdk_cli
    unlock
    export PATH=$root/.venv/bin:$root/node_modules/.bin:$PATH
}
