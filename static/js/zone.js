// Tells the server in which time zone this browser is, until its person has one (accounts/zones.py).
try {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:" ? "; secure" : "";
  if (zone) document.cookie = `zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax${secure}`;
} catch {
  // without it times are in UTC, and say so
}
