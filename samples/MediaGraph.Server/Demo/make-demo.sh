#!/usr/bin/env bash
# Makes demo.flv, the clip of the built-in demo stream. Needs ffmpeg with libx264 and drawtext, and any font.
#
# The clip lasts 8 s because that is the shortest time that is a whole number of groups of pictures (4 of 50 frames) and of AAC frames
# (375 of 1024 samples at 48 kHz): repeated every 8000 ms, no timestamp drifts. Picture and sound are periodic in 8 s, decode times of
# both tracks start at 0, and the sound is the middle of three rounds, so the encoder's start-up is not in it.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
quiet=(-hide_banner -loglevel error -nostdin -y)

# Two soft thirds, each fading in and out: all frequencies are whole numbers of eighths of a hertz.
ffmpeg "${quiet[@]}" -filter_complex "
  aevalsrc=exprs='
    0.10*sin(2*PI*220*t)*(0.6+0.4*sin(2*PI*t/8))+0.06*sin(2*PI*277.25*t)*(0.5-0.5*cos(2*PI*t/4))|
    0.10*sin(2*PI*220*t)*(0.6-0.4*sin(2*PI*t/8))+0.06*sin(2*PI*329.625*t)*(0.5+0.5*cos(2*PI*t/4))
    ':sample_rate=48000:duration=24[a]" -map '[a]' -c:a aac -b:a 96k -fflags +bitexact "$work/sound.aac"
ffmpeg "${quiet[@]}" -i "$work/sound.aac" -ss 8 -frames:a 375 -c copy -fflags +bitexact "$work/round.aac"

ffmpeg "${quiet[@]}" -itsoffset -0.08 -i "$work/round.aac" -filter_complex "
  gradients=size=640x360:rate=25:c0=0x10243e:c1=0x1f6f78:x0=0:y0=0:x1=640:y1=360:speed=0.00001:duration=0.04,
    loop=loop=-1:size=1,trim=end_frame=200,setpts=N/25/TB[sky];
  color=0xff9f1c:size=56x56:rate=25,format=yuva420p,
    geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='255*clip(28-hypot(X-27.5,Y-27.5),0,1)'[ball];
  color=0xe8f1f2:size=160x160:rate=25,format=yuva420p,
    geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='255*max(lt(abs(hypot(X-79.5,Y-79.5)-76),2),lt(abs(X-79.5),2)*lt(Y,80)*gt(Y,12))',
    rotate=2*PI*t/8:c=none[hand];
  color=0xe8f1f2:size=640x6:rate=25[bar];
  [sky][ball]overlay=x='292+250*sin(2*PI*t/8)':y='152+110*sin(2*PI*t/4)':shortest=1[s1];
  [s1][hand]overlay=x=440:y=100:shortest=1[s2];
  [s2][bar]overlay=x='-640+640*t/8':y=354:shortest=1,
    drawtext=text='MediaGraph':fontcolor=0xe8f1f2:fontsize=56:x=48:y=130,
    drawtext=text='%{eif\:floor(t)\:d}.%{eif\:mod(floor(t*10+0.001)\,10)\:d} s   frame %{eif\:n\:d\:3}':
      fontcolor=0xe8f1f2:fontsize=24:x=50:y=200,
    format=yuv420p[v]" \
  -map '[v]' -map 0:a \
  -c:v libx264 -profile:v high -preset slow -crf 21 -maxrate 450k -bufsize 900k \
  -bf 2 -g 50 -keyint_min 50 -sc_threshold 0 -flags +cgop -x264-params b-adapt=0:open-gop=0 \
  -c:a copy -fflags +bitexact -flags:v +bitexact -flvflags no_sequence_end demo.flv

ls -l demo.flv
