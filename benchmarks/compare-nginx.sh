#!/usr/bin/env bash
# MediaGraph and nginx-rtmp in turns: 1 publisher of 4 Mbit/s, N viewers, everything on loopback, the server on core 0 and the load
# on core 1. Needs nginx-light and libnginx-mod-rtmp. Prints each run, and at the end the medians and their ratio.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
Usage: benchmarks/compare-nginx.sh [options]
  --viewers "50 200 500"  numbers of viewers
  --turns N               how often each server has its turn per number of viewers (3)
  --seconds N             measured per turn (10)
  --warmup N              before that (15: until the JIT has made its last version)
  --servers "..."         of: inline (MediaGraph), pool (MediaGraph without inline completions), nginx (its defaults),
                          nginx64 (with chunks of 64 KB) ("inline nginx")
  --stalled N             viewers that stop reading while it is measured (0)
  --other DIR             another build of MediaGraph.LoadTest; its servers are called other and other-pool
  --no-build              use what is built
TEXT
}

viewers="50 200 500" turns=3 seconds=10 warmup=15 servers="inline nginx" stalled=0 other="" build=1
while (($#)); do
  case $1 in
    --viewers) viewers=$2; shift ;;
    --turns) turns=$2; shift ;;
    --seconds) seconds=$2; shift ;;
    --warmup) warmup=$2; shift ;;
    --servers) servers=$2; shift ;;
    --stalled) stalled=$2; shift ;;
    --other) other=$2; shift ;;
    --no-build) build=0 ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
if ((build)); then dotnet build benchmarks/MediaGraph.LoadTest -c Release --nologo -v quiet; fi
tool=benchmarks/MediaGraph.LoadTest/bin/Release/net10.0/MediaGraph.LoadTest.dll

directory=$(mktemp -d) server_pid=""
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
    port=$((20000 + RANDOM % 20000))
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
  tail -5 "$directory"/*.log >&2 || true
  exit 1
}

# The master is not a daemon, so that it is our child; its one worker is pinned with it.
start_nginx() {
  local port=$1 chunk=$2
  cat >"$directory/nginx.conf" <<CONF
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
master_process on;
worker_processes 1;
pid $directory/nginx.pid;
error_log $directory/nginx.log warn;
events { worker_connections 2048; }
rtmp {
  access_log off;
  server {
    listen 127.0.0.1:$port;
    chunk_size $chunk;
    application live { live on; }
  }
}
CONF
  # The error log of before it has read its configuration.
  taskset -c 0 nginx -p "$directory" -e "$directory/nginx.log" -c "$directory/nginx.conf" >>"$directory/nginx.log" 2>&1 &
  server_pid=$!
}

start_mediagraph() {
  local dll=$1 port=$2 inline=$3
  taskset -c 0 dotnet "$dll" serve --port "$port" --inline "$inline" >>"$directory/mediagraph.log" 2>&1 &
  server_pid=$!
}

run() {
  local server=$1 count=$2 port
  port=$(free_port)
  case $server in
    inline) start_mediagraph "$tool" "$port" 1 ;;
    pool) start_mediagraph "$tool" "$port" 0 ;;
    other) start_mediagraph "$other/MediaGraph.LoadTest.dll" "$port" 1 ;;
    other-pool) start_mediagraph "$other/MediaGraph.LoadTest.dll" "$port" 0 ;;
    nginx) start_nginx "$port" 4096 ;;
    nginx64) start_nginx "$port" 65536 ;;
    *) echo "unknown server $server" >&2; exit 2 ;;
  esac
  wait_for_port "$port"
  taskset -c 1 dotnet "$tool" --port "$port" --viewers "$count" --seconds "$seconds" --warmup "$warmup" --stalled "$stalled" \
    --pid "$server_pid" --label "$server" | tee -a "$directory/results" || true
  stop_server
}

for count in $viewers; do
  for turn in $(seq "$turns"); do
    for server in $servers; do run "$server" "$count"; done
  done
done

# Medians per server and number of viewers, and how far the turns were apart.
echo
awk -v servers="$servers" -v all="$viewers" '
  { for (i = 2; i <= NF; i++) { split($i, f, "="); if (f[1] == "viewers") v = f[2]; value[f[1]] = f[2] }
    if (!(v > 0)) next
    n = ++count[$1, v]
    cpu[$1, v, n] = value["cpu_per_gb"]; p50[$1, v, n] = value["p50_ms"]; p99[$1, v, n] = value["p99_ms"]
    pic[$1, v, n] = value["picture_ms_p50"]; rss[$1, v, n] = value["rss_mb"]; bad[$1, v] += value["errors"] + value["lost"] + value["gaps"] }
  function median(a, s, v,   i, j, t, x, n) {
    n = count[s, v]
    for (i = 1; i <= n; i++) x[i] = a[s, v, i] + 0
    for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (x[j] < x[i]) { t = x[i]; x[i] = x[j]; x[j] = t }
    least = x[1]; most = x[n]
    return n % 2 ? x[(n + 1) / 2] : (x[n / 2] + x[n / 2 + 1]) / 2
  }
  END {
    printf "%-10s %7s %28s %8s %8s %8s %10s %7s %6s\n", "server", "viewers", "CPU s/GB (least to most)", "ratio", "p50 ms", "p99 ms", "picture ms", "RSS MB", "wrong"
    m = split(all, vs, " "); k = split(servers, ss, " ")
    for (i = 1; i <= m; i++) for (j = 1; j <= k; j++) {
      s = ss[j]; v = vs[i]
      if (!count[s, v]) continue
      c = median(cpu, s, v); range = sprintf("%.3f (%.3f to %.3f)", c, least, most)
      if (j == 1) first = 0; if (!(first > 0)) first = c
      printf "%-10s %7d %28s %8.2f %8.2f %8.2f %10.0f %7.1f %6d\n", s, v, range, (first > 0 ? c / first : 0), median(p50, s, v), median(p99, s, v), median(pic, s, v), median(rss, s, v), bad[s, v]
    }
  }' "$directory/results"
