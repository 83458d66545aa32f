#!/usr/bin/env bash
# A machine to be reached by ssh, for tests: this one, by an sshd of the caller's own on a port of its own.
# one_host_ssh.sh start|stop FOLDER; after start, HOME=FOLDER has an .ssh/config that knows the hosts one and two.
set -euo pipefail
word=$1 home=$(realpath -m "$2")
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'; }

start() {
    local port
    port=$(port)
    mkdir -p "$home/.ssh"
    chmod 0700 "$home" "$home/.ssh"
    for name in host user; do ssh-keygen -q -t ed25519 -N "" -C "$name" -f "$home/.ssh/$name"; done
    cp "$home/.ssh/user.pub" "$home/.ssh/authorized_keys"
    echo "[127.0.0.1]:$port $(cat "$home/.ssh/host.pub")" >"$home/.ssh/known"
    cat >"$home/sshd_config" <<CONF
ListenAddress 127.0.0.1
Port $port
HostKey $home/.ssh/host
AuthorizedKeysFile $home/.ssh/authorized_keys
PidFile $home/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
SetEnv PYTHONPATH=${PYTHONPATH:-}
CONF
    cat >"$home/.ssh/config" <<CONF
Host one two
    HostName 127.0.0.1
    Port $port
    User $(id -un)
    IdentityFile $home/.ssh/user
    UserKnownHostsFile $home/.ssh/known
CONF
    if [ "$(id -u)" = 0 ]; then mkdir -p /run/sshd; fi # an sshd of root asks for it
    "$(PATH=$PATH:/usr/sbin command -v sshd)" -f "$home/sshd_config" -E "$home/sshd.log"
    for _ in $(seq 50); do
        if ssh -F "$home/.ssh/config" one true 2>"$home/ssh.log"; then return; fi
        sleep 0.1
    done
    cat "$home/ssh.log" "$home/sshd.log" >&2
    return 1
}

case $word in
start) start ;;
stop) if [ -f "$home/sshd.pid" ]; then kill "$(cat "$home/sshd.pid")"; fi ;;
*) echo "one_host_ssh.sh start|stop FOLDER" >&2; exit 2 ;;
esac
