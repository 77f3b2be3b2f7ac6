#!/usr/bin/env bash
# A Slurm of one machine, for tests: slurm.sh start FOLDER | env FOLDER | stop FOLDER
#
# Needs Debian's packages slurmctld, slurmd, slurm-client and munge, and root. All that it makes is in
# FOLDER, which is to be a new one; `eval "$(slurm.sh env FOLDER)"` has sbatch and squeue find it.
set -euo pipefail

start() {
  mkdir -p "$folder"/{state,spool,munge}
  configure
  dd if=/dev/urandom of="$folder/munge/key" bs=128 count=1 status=none
  chmod 0400 "$folder/munge/key"
  chmod 0755 "$folder" "$folder/munge"
  munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" \
    --pid-file="$folder/munge/pid" --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
  # Jobs see the folder as their users do, and so do Slurm's daemons.
  export SLURM_CONF="$folder/slurm.conf"
  slurmctld -f "$SLURM_CONF"
  slurmd -f "$SLURM_CONF"
  for _ in $(seq 60); do
    sinfo --noheader --format=%T 2>/dev/null | grep -q '^idle' && return
    sleep 0.5
  done
  echo "slurm.sh: no node came up; its daemons said:" >&2
  tail -n 5 "$folder"/*.log >&2
  exit 1
}

configure() {
  local host memory
  host=$(hostname -s)
  memory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
  cat > "$folder/slurm.conf" <<CONF
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmctldPort=$port
SlurmdPort=$((port + 1))
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
CredType=cred/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
# No control groups: a container or a virtual machine may have none to give.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
KillWait=10
MinJobAge=60
InactiveLimit=0
SlurmctldTimeout=30
SlurmdTimeout=30
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime=5
PartitionName=urgent Nodes=$host MaxTime=INFINITE State=UP PriorityTier=10
CONF
  local plugin=disabled  # since 23.02; before it, one is loaded and not used
  [[ $(slurmctld -V) =~ \ (2[0-2]|23\.0[01])\. ]] && plugin=cgroup/v1
  echo "CgroupPlugin=$plugin" > "$folder/cgroup.conf"
}

stop() {
  local name
  export SLURM_CONF="$folder/slurm.conf"
  squeue --noheader --format=%A 2>/dev/null | sort -u | xargs -r scancel 2>/dev/null || true
  sleep 1
  for name in slurmd slurmctld munge/; do
    end "$folder/${name}${name:+$([[ $name == */ ]] && echo pid || echo .pid)}"
  done
}

end() {  # PID_FILE: the process that wrote it, and nobody else
  local pid
  [[ -s $1 ]] || return 0
  pid=$(< "$1")
  kill "$pid" 2>/dev/null || return 0
  for _ in $(seq 50); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.2
  done
  kill -KILL "$pid" 2>/dev/null || true
}

action=${1:?start, env or stop}
folder=$(realpath -m "${2:?a folder}")
port=${SLURM_TEST_PORT:-16817}
case $action in
  start) start ;;
  env) echo "export SLURM_CONF=$folder/slurm.conf" ;;
  stop) stop ;;
  *) echo "slurm.sh: unknown '$action'" >&2; exit 2 ;;
esac
