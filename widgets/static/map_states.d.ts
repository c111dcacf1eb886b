// What the kernel shows of the map, and what its script holds of it.

import type { Cell } from "./data_states";
import type { PicturesMessage } from "./review_states";

export interface MapState {
  number: number; // of the order of its points: another one, other places
  total: number;
  map: "" | "none" | "partial" | "ready" | "other features"; // "": not looked yet
  others: number; // live images that are not on it yet
  unreadable: number; // live images that have no place
  working: boolean; // it is being made
  by: string; // what it is coloured by
  colours: string[];
  names: string[]; // of the codes; none: a scale
  label: string; // of the class that is shown, "" for all
  features: string;
  classes: string[];
  concepts: string[];
  class_ids: number[];
  counts: [string, number][];
  images: number;
  status: string;
  deciding: { done: number; total: number } | null; // how far a decision on many is
  can_undo: boolean;
  can_redo: boolean;
}

export type MapMessage =
  | PicturesMessage
  | { type: "points"; number: number }
  | { type: "codes"; number: number; by: string }
  | { type: "about"; place: number; cell: Cell }
  | { type: "share"; serial: number; sentence: string };

/** What of the map is in sight: the middle, and the pixels that 1 is. y points up. */
export interface Camera {
  x: number;
  y: number;
  scale: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Pixels from the upper left corner of what is drawn on. */
export interface Spot {
  x: number;
  y: number;
}

/** A box on the screen. */
export interface Box extends Spot, Size {}

/** Points by the cell of a square lattice that they are in. */
export interface Index {
  cells: number; // of a side
  starts: Uint32Array;
  order: Uint32Array;
  xy: Float32Array;
}

export type Tool = "move" | "lasso" | "box";

/** A picture on the map, in place of its point. */
export interface Shown {
  place: number;
  x: number;
  y: number;
}

/** What the page holds of the map, beside what the kernel does. */
export interface Held {
  xy: Float32Array; // of the points, -1..1
  index: Index;
  codes: Uint8Array<ArrayBuffer>; // of their colours
  bits: Uint8Array<ArrayBuffer>; // that the kernel sent
  marks: Uint8Array<ArrayBuffer>; // bits: hidden, faint, selected
  camera: Camera;
  whole: number; // the scale at which all is in sight
  asFitted: boolean; // all is in sight, and stays so
  screen: Size;
  shown: Shown[]; // the pictures
  side: number; // of a picture, pixels
  line: Spot[] | null; // that is being drawn
  closed: boolean; // it is a lasso's
  box: Box | null; // of the keys
  hovered: number; // place, -1 for none
  cells: Map<number, Cell>; // what is known of places
  asked: string; // the pictures that were asked for last
}

/** What can be done with the map. */
export interface MapAct {
  tool(tool: Tool): void;
  by(by: string): void;
  label(label: string): void;
  toggle(code: number): void;
  only(code: number): void;
  from(value: number): void;
  make(): void;
  fit(): void;
  zoom(by: number): void;
  all(): void;
  none(): void;
  open(): void;
  look(): void;
  cursor(dx: number, dy: number, grow: boolean): void;
  take(more: boolean): void;
  escape(): void;
  decide(action: string, label?: string): void;
  relabel(): void;
  seek(): void;
  like(): void;
  undo(): void;
  redo(): void;
  larger(by: number): void;
}

/** What the script holds that is not the kernel's. */
export interface MapView {
  tool: Tool;
  hidden: Set<number>; // codes
  from: number; // of a scale: the least that is shown, 0..1
  numbers: Uint32Array; // points of each code
  colours: string[]; // of each code, for the legend
  selected: number;
  share: string;
  shown: number; // points that are not hidden
}
