// What the kernel shows of Data: the classes, and the grid of everything.

import type { PicturesMessage } from "./review_states";

/** Something of a class that asks to be looked at. */
export interface Sign {
  count: number;
  words: string;
  queue: string; // "" where a station shows it
  station: string;
}

export interface ClassRow {
  id: number;
  label: string;
  images: number;
  train: number;
  valid: number;
  test: number;
  signs: Sign[];
  newest: number[]; // ids
}

export interface DataState {
  rows: ClassRow[] | null; // null while they are counted first
  step: { sentence: string; station: string; title: string } | null;
  images: number;
  working: boolean;
}

/** An image of the grid. */
export interface Cell {
  id: number;
  label: string;
  state: "new" | "kept" | "deleted" | "unsure" | "several" | "none";
  decision_id: number | null;
  relabelled: boolean;
  split: "train" | "valid" | "test" | null;
  predicted: string | null;
  confidence: number | null;
  in_sample: boolean;
}

export interface GridState {
  number: number; // of the order: another one, other places
  total: number;
  sort: string;
  label: string; // of the class that is shown, "" for all
  concept: string; // that is shown, "" for all
  concepts: string[];
  selection: string; // name of the images that are shown, "" for all
  picking: boolean; // a subset is being chosen
  sorts: string[];
  ranked: boolean;
  classes: string[];
  class_ids: number[];
  counts: [string, number][]; // live images of each class
  images: number; // live ones
  others: number; // that came since
  opening: boolean;
  status: string;
  deciding: { done: number; total: number } | null; // how far a decision on many is
  can_undo: boolean;
  can_redo: boolean;
}

export type GridMessage =
  | PicturesMessage
  | { type: "cells"; number: number; first: number; cells: Cell[] };

/** Half-open ranges of places, in order, apart from each other. */
export type Ranges = [number, number][];

/** How the grid is laid out, in pixels. */
export interface Layout {
  columns: number;
  side: number; // of a tile
  pitch: number; // from row to row
  rows: number;
  whole: number; // height of all rows
  height: number; // of the element that is scrolled, which browsers limit
}

/** `scrolled`: how far the element is; `at`: what of the whole is at the top then. */
export interface Position {
  scrolled: number;
  at: number;
}
