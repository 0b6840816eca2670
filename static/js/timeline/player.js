// The player: the element, its controls, and which picture is on screen just now.
import { clamp, clock, spoken } from "../common/clock.js";
import { showCard } from "./sprites.js";

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 4];
const INSIDE_S = 0.001; // seek a little into a frame: rounding must not land on the one before
const IDLE_MS = 2500;
const FRESH_LINK_MS = 10_000;

/**
 * @param {{data: object, store: import("./page.js").Store, sprites: object}} options
 */
export function createPlayer({ data, store, sprites }) {
  const media = document.getElementById("media");
  const stage = document.getElementById("stage");
  const isPicture = data.kind === "image";
  const duration = data.duration;

  const player = {
    media,
    stage,
    isPicture,
    duration,
    size: () => [
      media.videoWidth || media.naturalWidth || data.size[0] || 16,
      media.videoHeight || media.naturalHeight || data.size[1] || 9,
    ],
    seek(time) {
      if (isPicture) return;
      const to = clamp(time, 0, duration);
      store.set({ time: to });
      media.currentTime = Math.min(to + INSIDE_S, media.duration || duration);
    },
    by: (seconds) => player.seek(store.get().time + seconds),
    pause: () => !isPicture && media.pause(),
    toggle() {
      if (isPicture) return;
      if (media.paused) media.play().catch(() => {});
      else media.pause();
    },
    faster(step) {
      if (isPicture) return;
      const place = SPEEDS.indexOf(media.playbackRate);
      media.playbackRate = SPEEDS[clamp((place < 0 ? 3 : place) + step, 0, SPEEDS.length - 1)];
    },
    mute() {
      if (!isPicture) media.muted = !media.muted;
    },
    fullscreen() {
      if (document.fullscreenElement) document.exitFullscreen();
      else stage.requestFullscreen?.();
    },
  };

  document.getElementById("fullscreen")?.addEventListener("click", player.fullscreen);
  if (isPicture) {
    media.addEventListener("load", () => store.set({ pictureTime: 0 }));
    return player;
  }
  leavePoster(media);
  followPictures(media, store);
  wireButtons(player);
  wireSeekBar(player, store, sprites);
  restAndReport(player, store);
  renewLink(player, data.link);
  playOnceReady(player, data.link);
  return player;
}

/** The poster is of another moment than the boxes: the film's own picture takes its place. */
function leavePoster(media) {
  const leave = () => {
    if (!media.currentTime) media.currentTime = INSIDE_S; // browsers keep the poster until a seek
  };
  if (media.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) leave();
  else media.addEventListener("loadeddata", leave, { once: true });
}

/** Report the time of each picture as it is shown. */
function followPictures(media, store) {
  if ("requestVideoFrameCallback" in media) {
    const shown = (_, picture) => {
      media.requestVideoFrameCallback(shown);
      store.set({ pictureTime: picture.mediaTime, time: media.seeking ? store.get().time : picture.mediaTime });
    };
    media.requestVideoFrameCallback(shown);
    return;
  }
  if (media instanceof HTMLVideoElement) {
    const note = document.getElementById("stage-note");
    note.textContent = "This browser does not say which picture it shows: boxes may be a frame off.";
    note.hidden = false;
  }
  const follow = () => store.set({ pictureTime: media.currentTime, time: media.currentTime });
  media.addEventListener("timeupdate", follow);
  media.addEventListener("seeked", follow);
}

function wireButtons({ media, stage, ...player }) {
  const play = document.getElementById("play");
  const speed = document.getElementById("speed");
  const mute = document.getElementById("mute");
  play.addEventListener("click", player.toggle);
  media.addEventListener("click", player.toggle);
  speed.addEventListener("click", () => {
    media.playbackRate = SPEEDS[(SPEEDS.indexOf(media.playbackRate) + 1) % SPEEDS.length] || 1;
  });
  mute.addEventListener("click", player.mute);
  const showPlaying = () => {
    stage.classList.toggle("playing", !media.paused);
    play.setAttribute("aria-label", media.paused ? "Play" : "Pause");
  };
  media.addEventListener("play", showPlaying);
  media.addEventListener("pause", showPlaying);
  media.addEventListener("ratechange", () => {
    speed.textContent = `${media.playbackRate}×`;
    speed.setAttribute("aria-label", `Speed, ${media.playbackRate}×`);
  });
  media.addEventListener("volumechange", () => {
    mute.setAttribute("aria-pressed", String(media.muted));
  });
  hideWhileWatching(stage);
}

/** The controls step aside while the film runs and nothing moves over it. */
function hideWhileWatching(stage) {
  let timer = 0;
  const wake = () => {
    stage.classList.remove("idle");
    clearTimeout(timer);
    timer = setTimeout(() => stage.classList.add("idle"), IDLE_MS);
  };
  for (const event of ["pointermove", "pointerdown", "focusin", "keydown"]) {
    stage.addEventListener(event, wake);
  }
  wake();
}

function wireSeekBar(player, store, sprites) {
  const { media, duration, stage } = player;
  const bar = document.getElementById("seek");
  const card = document.getElementById("seek-card");
  const time = document.getElementById("time");
  const buffered = bar.querySelector(".buffered");
  const share = (event) => {
    const rect = bar.getBoundingClientRect();
    return clamp((event.clientX - rect.left) / rect.width, 0, 1);
  };

  let saidAt = -1;
  const showTime = (state) => {
    time.textContent = clock(state.time);
    bar.style.setProperty("--at", duration ? state.time / duration : 0);
    const second = Math.round(state.time);
    if (second === saidAt) return;
    saidAt = second;
    bar.setAttribute("aria-valuenow", String(second));
    bar.setAttribute("aria-valuetext", `${spoken(state.time)} of ${spoken(duration)}`);
  };
  store.on(["time"], showTime);
  showTime(store.get());
  media.addEventListener("progress", () => {
    const ranges = media.buffered;
    const at = media.currentTime;
    for (let i = 0; i < ranges.length; i += 1) {
      if (ranges.start(i) > at || ranges.end(i) < at) continue;
      buffered.style.left = `${(ranges.start(i) / duration) * 100}%`;
      buffered.style.width = `${((ranges.end(i) - ranges.start(i)) / duration) * 100}%`;
    }
  });
  bar.addEventListener("pointerdown", (event) => {
    bar.setPointerCapture(event.pointerId);
    player.seek(share(event) * duration);
  });
  bar.addEventListener("pointermove", (event) => {
    const at = share(event) * duration;
    if (bar.hasPointerCapture(event.pointerId)) player.seek(at);
    const left = event.clientX - stage.getBoundingClientRect().left;
    showCard(card, sprites.ofStrip(at), clock(at), left, stage.clientWidth);
  });
  bar.addEventListener("pointerleave", () => (card.hidden = true));
}

/** Where the person stopped is where a link leads. */
function restAndReport({ media, stage }, store) {
  const rest = () => media.paused && store.set({ settled: store.get().time });
  media.addEventListener("pause", rest);
  media.addEventListener("seeked", rest);
  media.addEventListener("waiting", () => stage.classList.add("waiting"));
  for (const event of ["playing", "canplay", "seeked"]) {
    media.addEventListener(event, () => stage.classList.remove("waiting"));
  }
}

/** Links to media run out while pages stay open: ask for another and go on from here. */
function renewLink({ media }, url) {
  let lastTry = -Infinity;
  media.addEventListener("error", async () => {
    const { time, wasPlaying } = { time: media.currentTime, wasPlaying: !media.paused };
    const note = document.getElementById("stage-note");
    if (performance.now() - lastTry < FRESH_LINK_MS) {
      note.textContent = "The video cannot be played just now. Reload the page to try again.";
      note.hidden = false;
      return;
    }
    lastTry = performance.now();
    const response = await fetch(url).catch(() => null);
    if (!response?.ok) return;
    media.src = (await response.json()).url;
    media.currentTime = time;
    if (wasPlaying) media.play().catch(() => {});
  });
}

/** A copy that browsers can play may still be in the making: the page says when it is there. */
function playOnceReady({ media }, url) {
  document.body.addEventListener("proxy-ready", async () => {
    const response = await fetch(url).catch(() => null);
    if (!response?.ok) return;
    const time = media.currentTime;
    media.src = (await response.json()).url;
    media.currentTime = time;
    document.getElementById("asset-live").textContent = "The copy is made. Press Play.";
  });
}
