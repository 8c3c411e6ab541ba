#!/usr/bin/env bash
# Builds everything and runs every test. The last line is the sum, "N passed, N failed, N skipped"; what kept tests from running (a
# missing tool, a broken build, a crash, a project without tests) counts as one failed each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'TEXT'
Usage: ./test.sh [options]
  --filter EXPRESSION   run only these tests, e.g. --filter FakeTimeProvider or --filter 'Name~I11'
  --fuzz SECONDS        let each fuzzing test run this long (MEDIAGRAPH_FUZZ_SECONDS)
  --soak MINUTES        run only the soak: all scenarios at random against a whole server, and then nothing may be left
                        (MEDIAGRAPH_SOAK_SEED repeats the choices of a run)
  --no-install          never install anything; missing tools are reported and fail the run
  --no-build            test what is built already
  --help                this text
TEXT
}

filter='' fuzz='' soak='' install=1 build=1
while (($#)); do
  case $1 in
    --filter) filter=${2:?--filter needs an expression}; shift ;;
    --fuzz) fuzz=${2:?--fuzz needs a number of seconds}; shift ;;
    --soak) soak=${2:?--soak needs a number of minutes}; shift ;;
    --no-install) install=0 ;;
    --no-build) build=0 ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
if [[ -n $fuzz && ! $fuzz =~ ^[0-9]+$ ]]; then
  echo "--fuzz needs a whole number of seconds" >&2
  exit 2
fi
if [[ -n $soak && ! $soak =~ ^[0-9]+$ ]]; then
  echo "--soak needs a whole number of minutes" >&2
  exit 2
fi

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
results=artifacts/test-results
passed=0 failed=0 skipped=0 problems=() failures=()
rm -rf "$results"
mkdir -p "$results"

problem() { problems+=("$1"); }

beside='' # the process that runs beside the others
finish() {
  local status=$?
  trap - EXIT
  [[ -z $beside ]] || kill -- "-$beside" 2>/dev/null || true
  failed=$((failed + ${#problems[@]}))
  # A run that broke off is no success, whatever was counted before.
  if ((status != 0 && failed == 0)); then failed=1; fi
  ((${#failures[@]} == 0)) || { printf '\nFailed tests, once more:\n'; printf '%s\n' "${failures[@]}"; }
  ((${#problems[@]} == 0)) || { printf '\nProblems:\n'; printf '  %s\n' "${problems[@]}"; }
  echo "$passed passed, $failed failed, $skipped skipped"
  if ((status > 128)); then exit "$status"; fi # a signal
  exit "$((failed > 0))"
}
trap finish EXIT

# --- what the tests drive: command -> Debian package
tools=(
  ffmpeg:ffmpeg ffprobe:ffmpeg rtmpdump:rtmpdump mpv:mpv vlc:vlc-bin setpriv:util-linux nginx:nginx-light
  gst-launch-1.0:gstreamer1.0-tools gst-inspect-1.0:gstreamer1.0-tools spin:spin cc:gcc
)
# ... and GStreamer element -> Debian package
elements=(
  videotestsrc:gstreamer1.0-plugins-base flvmux:gstreamer1.0-plugins-good rtmp2src:gstreamer1.0-plugins-bad
  x264enc:gstreamer1.0-plugins-ugly avdec_h264:gstreamer1.0-libav rtspsrc:gstreamer1.0-plugins-good
  rtspclientsink:gstreamer1.0-rtsp
)

missing_packages() {
  local entry
  for entry in "${tools[@]}"; do
    command -v "${entry%%:*}" >/dev/null || echo "${entry#*:}"
  done
  for entry in "${elements[@]}"; do
    gst-inspect-1.0 --exists "${entry%%:*}" 2>/dev/null || echo "${entry#*:}"
  done
  # GStreamer's RTSP server is a library, driven by a few lines of the distribution's Python.
  /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0")' 2>/dev/null || printf '%s\n' python3-gi gir1.2-gst-rtsp-server-1.0
  # A C compiler alone, without recommended packages, has no headers.
  [[ -e /usr/include/stdio.h ]] || echo libc6-dev
  [[ -e /usr/lib/nginx/modules/ngx_rtmp_module.so ]] || echo libnginx-mod-rtmp
  # The program "vlc" comes without the modules that make it play.
  compgen -G '/usr/lib/*/vlc/plugins/codec/libavcodec_plugin.so' >/dev/null || echo vlc-plugin-base
}

mapfile -t missing < <(missing_packages | sort -u)
if ((${#missing[@]} > 0 && install)); then
  as_root=()
  if ((EUID != 0)); then as_root=(sudo); fi
  if command -v apt-get >/dev/null && { ((EUID == 0)) || command -v sudo >/dev/null; }; then
    echo "Installing: ${missing[*]}"
    if "${as_root[@]}" apt-get update -qq </dev/null >"$results/install.log" 2>&1 &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >>"$results/install.log" 2>&1; then
      echo "Installed."
    else
      tail -20 "$results/install.log" >&2
    fi
  fi
  mapfile -t missing < <(missing_packages | sort -u)
fi
if ((${#missing[@]} > 0)); then
  if [[ -n $filter ]]; then
    echo "Missing packages (tests that need them will fail): ${missing[*]}" >&2
  else
    problem "missing packages: ${missing[*]}"
  fi
fi

# --- build
if ((build)); then
  echo "Building ..."
  if ! dotnet build MediaGraph.sln -c Release --nologo -v quiet </dev/null; then
    problem "the build failed"
    exit 1
  fi
fi

# --- run
if [[ -n $fuzz ]]; then export MEDIAGRAPH_FUZZ_SECONDS=$fuzz; fi
if [[ -n $soak ]]; then export MEDIAGRAPH_SOAK_MINUTES=$soak; fi

# Prints "total executed passed" of a .trx file.
counters() {
  awk 'match($0, /<Counters [^>]*>/) {
    text = substr($0, RSTART, RLENGTH)
    n = split("total executed passed", names, " ")
    for (i = 1; i <= n; i++) {
      match(text, " " names[i] "=\"[0-9]+\"")
      value = substr(text, RSTART, RLENGTH); gsub(/[^0-9]/, "", value)
      printf "%d ", value
    }
    exit
  }' "$1"
}

# Prints the failed tests of a log, each with the first lines of its message: what comes between them can be long.
headlines() {
  awk '/^  Failed / { print; next } /^  Error Message:/ { left = 6; next } /^  Stack Trace:/ { left = 0 } left-- > 0 { print substr($0, 1, 300) }' "$1"
}

# execute NAME FILTER LABEL: one test project, once. What it came to is for report.
execute() {
  local name=$1 expression=$2 label=$3 status=0 start=$SECONDS
  local arguments=(-c Release --no-build --nologo --results-directory "$results" --logger "trx;LogFileName=$label.trx"
    --logger "console;verbosity=minimal" --blame-hang --blame-hang-dump-type none --blame-hang-timeout "$((300 + ${fuzz:-0} + 60 * ${soak:-0}))s")
  if [[ -n $expression ]]; then arguments+=(--filter "$expression"); fi
  dotnet test "tests/$name/$name.csproj" "${arguments[@]}" </dev/null >"$results/$label.log" 2>&1 || status=$?
  echo "$status $((SECONDS - start))" >"$results/$label.end"
}

# report MAY_BE_EMPTY LABEL: counts what was executed
report() {
  local may_be_empty=$1 label=$2
  local trx="$results/$label.trx" status=1 seconds=0 total=0 executed=0 succeeded=0
  read -r status seconds <"$results/$label.end" || true
  if [[ -f $trx ]]; then read -r total executed succeeded < <(counters "$trx" || true; echo) || true; fi
  total=${total:-0} executed=${executed:-0} succeeded=${succeeded:-0}
  local broken=$((executed - succeeded))
  passed=$((passed + succeeded)) failed=$((failed + broken)) skipped=$((skipped + total - executed))
  printf '%-40s %5d passed %4d failed %4d skipped %5d s\n' "$label" "$succeeded" "$broken" "$((total - executed))" "$seconds"

  if ((broken > 0)); then
    failures+=("$label:" "$(headlines "$results/$label.log")")
    grep -vE '^(Test run for|VSTest version|Starting test execution|A total of|Results File:|Passed! |Data collector .Blame)' "$results/$label.log" || true
  elif ((total == 0)) && ((may_be_empty)) && { ((status == 0)) || grep -q 'No test matches' "$results/$label.log"; }; then
    :
  elif ((status != 0)); then
    cat "$results/$label.log"
    problem "$label: the run itself failed (exit code $status)"
  elif ((executed == 0)); then
    problem "$label: ran no test"
  fi
}

# run_all FILTER MAY_BE_EMPTY SUFFIX NAME...: the projects one after the other, and beside them the one that mostly waits for real programs,
# which play in real time. It has a process group of its own: a job in the background would start with SIGINT ignored.
run_all() {
  local expression=$1 may_be_empty=$2 suffix=$3 name
  shift 3
  set -m
  execute MediaGraph.Interop.Tests "$expression" "MediaGraph.Interop.Tests$suffix" &
  beside=$!
  set +m
  for name in "$@"; do
    execute "$name" "$expression" "$name$suffix"
    report "$may_be_empty" "$name$suffix"
  done
  wait "$beside" || true
  beside=''
  report "$may_be_empty" "MediaGraph.Interop.Tests$suffix"
}

unset DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS
if [[ -n $soak ]]; then
  execute MediaGraph.Soak.Tests "${filter:-ClassName=MediaGraph.Soak.Tests.SoakTests}" MediaGraph.Soak.Tests
  report 0 MediaGraph.Soak.Tests
  exit
fi
filtered=0
if [[ -n $filter ]]; then filtered=1; fi
projects=()
for project in tests/*.Tests; do
  if [[ $project != */MediaGraph.Interop.Tests ]]; then projects+=("${project##*/}"); fi
done
run_all "$filter" "$filtered" '' "${projects[@]}"

# Socket continuations run on the thread pool by default; with this switch they run on the thread that saw the event. Both must work.
export DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1
run_all "TestCategory=Socket${filter:+&($filter)}" 1 .inline-completions "${projects[@]}"
if ((passed + failed == 0)); then problem "no test ran"; fi
