// Preloaded into an agent: its wall clock is SKEW_MS ahead, as that of a server whose NTP has failed.
const skewMs = Number(process.env.SKEW_MS);
const now = Date.now.bind(Date);
Date.now = () => now() + skewMs;
