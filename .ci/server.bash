# What .ci/mariadb, .ci/galera and .ci/chromium share; they source it. The first
# two start private servers in a temporary folder and remove them however their
# command ends.

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

say() { printf '%s\n' "$@" >&2; }

# install installs packages, and tries again: mirrors and the lock of another
# apt-get are the usual reasons why it fails.
install() {
  local log try
  log=$(mktemp)
  say "Installing $* ..."
  for try in 1 2 3; do
    if {
      apt-get -q update &&
        DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
          -o DPkg::Lock::Timeout=120 install "$@"
    } </dev/null >"$log" 2>&1; then
      rm -f "$log"
      return 0
    fi
    say "apt-get failed (try $try of 3); its last lines:" "$(tail -n 5 "$log")"
    sleep $((try * 3))
  done
  rm -f "$log"
  return 1
}

# without_reason says in $reason why there is no server, if so. Its arguments
# are the check whether it is there, and the packages that bring it.
without_reason() {
  local have=$1
  shift
  reason=''
  if ((BASH_VERSINFO[0] < 4)); then
    reason="bash $BASH_VERSION is too old to start a server (4 or later can)"
  elif "$have"; then
    return 0
  elif [[ $(id -u) != 0 ]]; then
    reason='MariaDB is not installed, and only root can install it'
  elif ! command -v apt-get >/dev/null; then
    reason='MariaDB is not installed, and there is no apt-get to install it'
  elif ! install "$@" || ! "$have"; then
    reason='MariaDB could not be installed; see above'
  fi
}

# own_folder makes folder $1 the servers' own, and sets as_user to what makes
# them take it. A server refuses to be root. The package that makes its user may
# not be there, nobody always is.
own_folder() {
  export TMPDIR=$1
  as_user=()
  if [[ $(id -u) == 0 ]]; then
    as_user=(--user=nobody)
    if id mysql >/dev/null 2>&1; then as_user=(--user=mysql); fi
    # Whatever our umask: the server reads its first statements from here.
    umask 022
    chown "${as_user[0]#--user=}" "$1"
  fi
}

# temporary makes a folder for servers and prints its name. A socket's path may
# have 107 characters, and a temporary folder's can be long; root's own may be
# closed to the user that the server runs as.
temporary() {
  local base=${TMPDIR:-/tmp}
  if ((${#base} > 60)) || [[ $(id -u) == 0 ]]; then base=/tmp; fi
  mktemp -d "$base/chdb.XXXXXX"
}

new_password() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# stop_server ends process $1 with time to write what it holds.
stop_server() {
  local try
  kill -TERM "$1" 2>/dev/null || return 0
  for ((try = 0; try < 300; try++)); do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  say 'mariadbd did not stop within 30 s: killed'
  kill -KILL "$1" 2>/dev/null || true
}

# with_keeper VARIABLE SERVE ARGUMENT... -- COMMAND...: runs the command
# while the function SERVE, in a process of its own, keeps servers. SERVE prints
# one line when they are ready, which goes to the command in VARIABLE, and stops
# them when its standard input ends. The exit code is the command's.
with_keeper() {
  local variable=$1 serve=() line code=0 keeper from_keeper to_keeper
  shift
  while [[ $1 != -- ]]; do
    serve+=("$1")
    shift
  done
  shift
  # The shell marks the pipes of a coprocess as not for commands to inherit: what
  # the command leaves running can't keep the servers alive.
  coproc KEEPER { "${serve[@]}"; }
  keeper=$KEEPER_PID from_keeper=${KEEPER[0]} to_keeper=${KEEPER[1]}
  if ! read -r line <&"$from_keeper"; then
    wait "$keeper" || true
    say 'The private server did not start; see above.'
    return 1
  fi
  env "$variable=$line" "$@" || code=$?
  exec {to_keeper}>&-
  wait "$keeper" || code=$((code == 0 ? 1 : code))
  return "$code"
}
