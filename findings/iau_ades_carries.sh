#!/usr/bin/env bash
# Packages: iau-ades==0.1.3, lxml==6.0.2.
#
# Situation: a night's measured positions of asteroids, in the IAU's exchange format (ADES), are
# turned into the Minor Planet Center's records of 80 columns by the IAU's own converter (psvtoxml,
# then xmltompc80col), for programs that read nothing else.
# A good guess: what rounds up to a whole day, hour, degree or minute is the next one.
# What happens: nothing is carried over from the rounded part. A time in the last 43 milliseconds of a
# day (0.4 s with --lowPrec) becomes .000000 of the same day, so that the observation is said to be of
# 24 hours earlier. A right ascension less than 0.0005 s below a full minute is written with 60.000
# seconds, a declination less than 0.005" below a full degree with 60 minutes; the reader of the same
# package (mpc80coltoxml) says "Invalid Sexagesimal string" of these and goes on without them.
# Why it matters: an asteroid moves a quarter of a degree in a day: a tracklet with that time in it
# cannot be linked, and nothing tells why. It is rare, and so found in archives of years, where a
# record that is a day off or missing looks like any other.
# Where it bears on us: analysis/sky/exports.py writes these records itself and rounds before it
# splits; tests/analysis/sky/test_exports.py asks for the next day, hour, degree and minute.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check iau-ades==0.1.3 lxml==6.0.2 2>/dev/null
env/bin/pip list 2>/dev/null | grep -iE "^iau|^lxml"
cat > report.psv <<'PSV'
# version=2022
# observatory
! mpcCode W84
# submitter
! name A. Person
# observers
! name A. Person
# measurers
! name A. Person
# telescope
! design Reflector
! aperture 4.0
! detector CCD
permID |mode|stn|obsTime                 |ra         |dec        |astCat|mag  |band
433    |CCD |W84|2026-11-30T23:59:59.940Z|150.1234560|-5.5000000 |Gaia3 |19.46|r
434    |CCD |W84|2026-11-30T23:59:59.970Z|150.1234560|-5.5000000 |Gaia3 |19.46|r
435    |CCD |W84|2026-11-30T04:05:06.662Z|150.2499990|-5.5000000 |Gaia3 |19.46|r
436    |CCD |W84|2026-11-30T04:05:06.662Z|150.1234560|-0.9999999 |Gaia3 |19.46|r
PSV
env/bin/python -m ades.psvtoxml report.psv report.xml
env/bin/python -m ades.xmltompc80col report.xml report.80
env/bin/python -m ades.mpc80coltoxml report.80 again.xml > said.txt 2>&1 || true
env/bin/python - <<'PYTHON'
import re

records = {int(line[:5]): line for line in open("report.80") if re.match(r"0043\d ", line)}
print("".join(records.values()), end="")
assert records[433][15:32] == "2026 11 30.999999", "59.94 s are .999999 of the day"
assert records[434][15:32] == "2026 11 30.000000", "it is 2026 12 01.000000 now"
assert records[435][32:44] == "10 00 60.000", "it is 10 01 00.000 now"
assert records[436][44:56] == "-00 60 00.00", "it is -01 00 00.00 now"

again = open("again.xml").read()
back = dict(re.findall(r"<permID>(\d+)</permID>.*?<obsTime>(.*?)</obsTime>", again, re.S))
print("read back:", back)
print(open("said.txt").read().count("Invalid Sexagesimal"), "records were refused")
assert sorted(back) == ["433", "434"], "the records are read now"
assert back["434"].startswith("2026-11-30T00:00:00"), "the day is right now"
print("As described.")
PYTHON
