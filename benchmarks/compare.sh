#!/usr/bin/env bash
# Servers in turns under the same load, everything on loopback, the server on core 0 and the load on core 1. Needs nginx-light and
# libnginx-mod-rtmp for nginx. Prints each run, and at the end medians, least and most, and ratios to the last server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
Usage: benchmarks/compare.sh [options] [scenario ...]

Scenarios (viewers if none is named), of 4 Mbit/s each:
  viewers   one stream, 50, 200 and 500 viewers (--viewers)
  slow      100 viewers, of whom 10 read 1 Mbit/s for 30 s
  stalled   100 viewers, of whom 10 do not read for 30 s, and then go on
  churn     20 viewers, beside whom 2,000 connections come and go
  idle      500 viewers of a stream that sends nothing
  streams   50 streams with 2 viewers each, 10 with 10 (--streams)
  flood     50 viewers of a stream that comes as fast as the server takes it
  rtsp      over RTSP: one stream, 200 and 50 viewers over TCP, and 50 over UDP; 50 streams with 2 viewers each over TCP

Options:
  --servers "..."     of: mediagraph, pool (MediaGraph without inline completions), other and other-pool (another build of it, see
                      --other), nginx (its defaults), nginx64 (with chunks of 64 KB), relay (the bare relay, for rtsp); ratios are to
                      the last ("mediagraph nginx"; for rtsp "mediagraph relay")
  --other DIR         where another build's MediaGraph.Server.dll is
  --turns N           how often each server has its turn per scenario (3)
  --viewers "..."     numbers of viewers of the scenario viewers ("50 200 500")
  --streams "..."     STREAMSxVIEWERS of the scenario streams ("50x2 10x10")
  --seconds N         measured per turn (10; slow and stalled: at least 30)
  --warmup N          before that (15: until the JIT has made its last version)
  --load "..."        more options for MediaGraph.LoadTest, such as "--bitrate 8 --audio"
  --out DIR           keeps each run's JSON and the servers' logs there
  --no-build          use what an earlier run has built
TEXT
}

scenarios=() servers="" other="" turns=3 viewers="50 200 500" streams="50x2 10x10" seconds=10 warmup=15 load="" out="" build=1
while (($#)); do
  case $1 in
    --servers) servers=$2; shift ;;
    --other) other=$2; shift ;;
    --turns) turns=$2; shift ;;
    --viewers) viewers=$2; shift ;;
    --streams) streams=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --warmup) warmup=$2; shift ;;
    --load) load=$2; shift ;;
    --out) out=$2; shift ;;
    --no-build) build=0 ;;
    --help | -h) usage; exit 0 ;;
    viewers | slow | stalled | churn | idle | streams | flood | rtsp) scenarios+=("$1") ;;
    *) echo "$1 is no option and no scenario" >&2; usage >&2; exit 2 ;;
  esac
  shift
done
if ((${#scenarios[@]} == 0)); then scenarios=(viewers); fi

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
built=artifacts/load-test
if ((build)); then
  dotnet publish samples/MediaGraph.Server -c Release --nologo -v quiet -o "$built/server"
  dotnet publish benchmarks/RtspRelay -c Release --nologo -v quiet -o "$built/relay"
  dotnet publish benchmarks/MediaGraph.LoadTest -c Release --nologo -v quiet -o "$built/tool"
fi
tool=$built/tool/MediaGraph.LoadTest.dll

directory=$(mktemp -d) server_pid="" run_count=0
if [[ -n $out ]]; then mkdir -p "$out"; else out=$directory; fi
finish() {
  stop_server
  rm -rf "$directory"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

stop_server() {
  [[ -n $server_pid ]] || return 0
  kill "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=""
}

free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000)) # below those that the system gives to clients
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
  done
}

wait_for_port() {
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then return; fi
    kill -0 "$server_pid" 2>/dev/null || break
    sleep 0.1
  done
  echo "the server did not start:" >&2
  tail -5 "$2" >&2 || true
  exit 1
}

# The master is not a daemon, so that it is our child; its one worker is pinned with it.
start_nginx() {
  local port=$1 log=$2 chunk=$3
  cat >"$directory/nginx.conf" <<CONF
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
master_process on;
worker_processes 1;
pid $directory/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
rtmp {
  access_log off;
  server {
    listen 127.0.0.1:$port;
    chunk_size $chunk;
    application live { live on; }
  }
}
CONF
  taskset -c 0 nginx -p "$directory" -e stderr -c "$directory/nginx.conf" >>"$log" 2>&1 &
  server_pid=$!
}

# As a user starts it, but without the demo stream, which the other servers have not, and for more viewers of one address.
start_mediagraph() {
  local port=$1 log=$2 dll=$3 inline=$4 listen
  listen=("--MediaGraph:Rtmp:Listen=127.0.0.1:$port" --MediaGraph:Rtsp:Enabled=false)
  if [[ $protocol == rtsp ]]; then
    listen=("--MediaGraph:Rtmp:Listen=127.0.0.1:$(free_port)" "--MediaGraph:Rtsp:Listen=127.0.0.1:$port"
      --MediaGraph:Rtsp:Connections:MaxPerAddress=10000)
  fi
  DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=$inline taskset -c 0 dotnet "$dll" "${listen[@]}" \
    --MediaGraph:Demo=false --MediaGraph:Rtmp:Connections:MaxPerAddress=10000 >>"$log" 2>&1 &
  server_pid=$!
}

start_relay() {
  taskset -c 0 dotnet "$built/relay/MediaGraph.RtspRelay.dll" "127.0.0.1:$1" >>"$2" 2>&1 &
  server_pid=$!
}

# run SERVER OPTION...: one turn
run() {
  local server=$1 port name log status=0
  shift
  port=$(free_port)
  run_count=$((run_count + 1))
  name=$(printf '%s/%03d-%s' "$out" "$run_count" "$server")
  log=$name.log
  : >"$log"
  case $server in
    mediagraph) start_mediagraph "$port" "$log" "$built/server/MediaGraph.Server.dll" 1 ;;
    pool) start_mediagraph "$port" "$log" "$built/server/MediaGraph.Server.dll" 0 ;;
    other) start_mediagraph "$port" "$log" "$other/MediaGraph.Server.dll" 1 ;;
    other-pool) start_mediagraph "$port" "$log" "$other/MediaGraph.Server.dll" 0 ;;
    nginx) start_nginx "$port" "$log" 4096 ;;
    nginx64) start_nginx "$port" "$log" 65536 ;;
    relay) start_relay "$port" "$log" ;;
    *) echo "unknown server $server" >&2; exit 2 ;;
  esac
  wait_for_port "$port" "$log"
  # The words of --load are options of their own.
  # shellcheck disable=SC2086
  taskset -c 1 dotnet "$tool" "$protocol://127.0.0.1:$port/live" --label "$server" --pid "$server_pid" --seconds "$seconds" \
    --warmup "$warmup" --json "$name.json" $load "$@" || status=$?
  if [[ ! -f $name.json ]]; then
    echo "no result (exit code $status); the server's log ends with:" >&2
    tail -5 "$log" >&2
    exit 1
  fi
  stop_server
}

# turns OPTION...: all servers with these options
turns() {
  local server
  for _ in $(seq "$turns"); do
    for server in ${servers:-$usual}; do run "$server" "$@"; done
  done
}

for scenario in "${scenarios[@]}"; do
  protocol=rtmp usual="mediagraph nginx"
  if [[ $scenario == rtsp ]]; then protocol=rtsp usual="mediagraph relay"; fi
  case $scenario in
    viewers) for count in $viewers; do turns --viewers "$count"; done ;;
    # In less time buffers hold what is not read.
    slow | stalled) turns --viewers 100 "--$scenario" 10 --seconds "$((seconds > 30 ? seconds : 30))" ;;
    churn) turns --viewers 20 --churn 2000 ;;
    idle) turns --viewers 0 --idle 500 ;;
    streams) for pair in $streams; do turns --streams "${pair%x*}" --viewers "${pair#*x}"; done ;;
    flood) turns --viewers 50 --flood ;;
    rtsp)
      turns --viewers 200
      turns --viewers 50
      turns --viewers 50 --transport udp
      turns --streams 50 --viewers 2
      ;;
  esac
done

echo
dotnet "$tool" compare "$out"/*.json
