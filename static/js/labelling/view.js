// Where the picture lies on the stage: fitted, zoomed, panned. Points of the stage are CSS pixels,
// points of the picture fractions.
import { clamp } from "../common/clock.js";
import { pictureRect } from "../common/overlay.js";

const MOST = 40;
const CLOSE = { least: 2, most: 12, share: 0.4 }; // of the stage, for what one looks at closely
const IN_SIGHT = 48; // pixels of the picture that always stay on the stage

export class View extends EventTarget {
  constructor(stage) {
    super();
    Object.assign(this, { stage, size: [16, 9], zoom: 1, x: 0, y: 0, width: 1, height: 1 });
    new ResizeObserver(() => this.#place(this.zoom, this.centre())).observe(stage);
  }

  get room() {
    return [this.stage.clientWidth, this.stage.clientHeight];
  }

  /** @param {[number, number]} size  of the picture, in pixels; another one is shown whole */
  setSize(size) {
    const isOther = size[0] !== this.size[0] || size[1] !== this.size[1];
    this.size = size;
    if (isOther) this.fit();
  }

  fit() {
    this.#place(1, [0.5, 0.5]);
  }

  /** The point of the picture in the middle of the stage. */
  centre() {
    return this.toPicture([this.room[0] / 2, this.room[1] / 2]);
  }

  #place(zoom, middle) {
    const { width, height } = pictureRect(this.size, this.room);
    Object.assign(this, { zoom: clamp(zoom, 0.5, MOST) });
    Object.assign(this, { width: width * this.zoom || 1, height: height * this.zoom || 1 });
    this.#moveTo(this.room[0] / 2 - middle[0] * this.width, this.room[1] / 2 - middle[1] * this.height);
  }

  #moveTo(x, y) {
    const within = (at, length, room) =>
      length <= room ? (room - length) / 2 : clamp(at, IN_SIGHT - length, room - IN_SIGHT);
    this.x = within(x, this.width, this.room[0]);
    this.y = within(y, this.height, this.room[1]);
    this.dispatchEvent(new Event("move"));
  }

  /** Zoom, with the point under (px, py) staying where it is. */
  zoomBy(factor, [px, py] = [this.room[0] / 2, this.room[1] / 2]) {
    const anchor = this.toPicture([px, py]);
    const { width, height } = pictureRect(this.size, this.room);
    this.zoom = clamp(this.zoom * factor, 0.5, MOST);
    this.width = width * this.zoom || 1;
    this.height = height * this.zoom || 1;
    this.#moveTo(px - anchor[0] * this.width, py - anchor[1] * this.height);
  }

  /** Look at a box closely: it lies in the middle, with its surroundings around it. */
  closeTo([x1, y1, x2, y2]) {
    const { width, height } = pictureRect(this.size, this.room);
    const filling = Math.min(this.room[0] / ((x2 - x1) * width), this.room[1] / ((y2 - y1) * height));
    this.#place(clamp(filling * CLOSE.share, CLOSE.least, CLOSE.most), [(x1 + x2) / 2, (y1 + y2) / 2]);
  }

  panBy(dx, dy) {
    this.#moveTo(this.x + dx, this.y + dy);
  }

  toPicture([px, py]) {
    return [(px - this.x) / this.width, (py - this.y) / this.height];
  }
  toStage([fx, fy]) {
    return [this.x + fx * this.width, this.y + fy * this.height];
  }
  /** A box in CSS pixels of the stage. */
  place([x1, y1, x2, y2]) {
    const [left, top] = this.toStage([x1, y1]);
    return { x: left, y: top, width: (x2 - x1) * this.width, height: (y2 - y1) * this.height };
  }

  /** Bring a box into sight, moving no more than is needed. */
  reveal(box) {
    const place = this.place(box);
    const [wide, high] = this.room;
    const shift = (at, length, room) => (at < 0 ? -at + 16 : at + length > room ? room - at - length - 16 : 0);
    const dx = place.width < wide ? shift(place.x, place.width, wide) : 0;
    const dy = place.height < high ? shift(place.y, place.height, high) : 0;
    if (dx || dy) this.panBy(dx, dy);
  }
}
