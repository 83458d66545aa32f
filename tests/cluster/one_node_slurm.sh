#!/usr/bin/env bash
# A Slurm of one node for tests: munge, slurmctld and slurmd in a folder of their own, all as the one who calls.
# one_node_slurm.sh start|stop|restart-controller FOLDER; after start, SLURM_CONF=FOLDER/slurm.conf names it.
set -euo pipefail
word=$1 home=$(realpath -m "$2")
host=$(hostname -s)
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])'; }

controller() { slurmctld -f "$home/slurm.conf" "$@"; }

start() {
    mkdir -p "$home"/{state,spool}
    chmod 0700 "$home"
    dd if=/dev/urandom of="$home/munge.key" bs=1 count=1024 status=none
    chmod 0400 "$home/munge.key"
    munged --force --key-file="$home/munge.key" --socket="$home/munge.socket" --pid-file="$home/munged.pid" \
        --log-file="$home/munged.log" --seed-file="$home/munged.seed"
    local memory
    memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
    cat >"$home/slurm.conf" <<CONF
ClusterName=one
SlurmctldHost=$host
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$home/munge.socket
CryptoType=crypto/munge
SlurmctldPort=$(port)
SlurmdPort=$(port)
StateSaveLocation=$home/state
SlurmdSpoolDir=$home/spool
SlurmctldPidFile=$home/slurmctld.pid
SlurmdPidFile=$home/slurmd.pid
SlurmctldLogFile=$home/slurmctld.log
SlurmdLogFile=$home/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerParameters=sched_interval=1,batch_sched_delay=0,defer
KillWait=2
NodeName=$host CPUs=$(nproc) RealMemory=$memory State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
CONF
    controller
    slurmd -f "$home/slurm.conf" -N "$host" || slurmd -f "$home/slurm.conf"
    for _ in $(seq 100); do
        if SLURM_CONF=$home/slurm.conf sinfo -h -o %t 2>/dev/null | grep -qE 'idle|mix'; then return; fi
        sleep 0.2
    done
    tail -n 20 "$home"/slurmctld.log "$home"/slurmd.log >&2
    return 1
}

ended() { # only processes that start wrote down here
    for name in "$@"; do
        if [ -f "$home/$name.pid" ]; then kill "$(cat "$home/$name.pid")" 2>/dev/null || true; fi
    done
}

case $word in
start) start ;;
stop)
    SLURM_CONF=$home/slurm.conf scancel --user="$(id -un)" 2>/dev/null || true
    sleep 1
    ended slurmd slurmctld munged
    ;;
restart-controller)
    ended slurmctld
    for _ in $(seq 50); do [ -f "$home/slurmctld.pid" ] || break; sleep 0.1; done
    controller
    ;;
*) echo "one_node_slurm.sh start|stop|restart-controller FOLDER" >&2; exit 2 ;;
esac
