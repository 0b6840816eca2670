#!/usr/bin/env bash
# Packages: imageio-ffmpeg==0.6.0 (carries ffmpeg 7.0.2) beside imageio-ffmpeg==0.8.1 (ffmpeg 9.0.2).
#
# Situation: a film of uneven frame times is encoded anew, with `-fps_mode passthrough` and
# `-enc_time_base -1`, so that the encoder takes over the time base of the source and no frame time
# is rounded to a frame rate.
# A good guess: `-1` means “as the input”, as the manual said for years; a newer wheel of the same
# small package only brings newer codecs.
# What happens: 0.6.0 writes the film. 0.8.1 refuses before the first frame with “Invalid time base:
# -1”: the number was an alias of the word `demux`, and is gone. Words are no way out where the
# program may also be an old one of the system: 5.1 does not know them.
# Why it matters: the wheel is asked for without a version by many projects that pip installs their
# ffmpeg with. Every conversion fails from the day the environment is made anew. A fraction, here
# 1/90000, is understood by all of them and is what the MP4 track counts in anyway.
# Where it bears on us: analysis/media/renditions.py.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

try() { # package version, time base → the exit status, and what ffmpeg said first
  local program=$1 base=$2 status=0
  "$program" -v error -y -f lavfi -i testsrc=duration=1:rate=30 -fps_mode passthrough \
    -c:v libx264 -enc_time_base "$base" out.mp4 2>said.txt || status=$?
  echo "-enc_time_base $base: exit $status $(sed 's/^\[[^]]*\] //; q' said.txt)"
}

for version in 0.6.0 0.8.1; do
  python3 -m venv "v$version"
  "v$version/bin/pip" install --quiet --disable-pip-version-check "imageio-ffmpeg==$version" 2>/dev/null
  program=$("v$version/bin/python" -c 'import imageio_ffmpeg as i; print(i.get_ffmpeg_exe())')
  echo "== imageio-ffmpeg $version: $("$program" -version | sed 's/ Copyright.*//; q')"
  for base in -1 demux 1/90000; do try "$program" "$base"; done | tee "$version.txt"
done

grep -q -- '-1: exit 0' 0.6.0.txt
grep -q -- '-1: exit [1-9].*Invalid time base' 0.8.1.txt
test "$(grep -c '1/90000: exit 0' 0.6.0.txt 0.8.1.txt | grep -c ':1')" = 2
echo "As described."
