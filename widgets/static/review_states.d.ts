// The states of the station Review: the gallery and the sections beside it.

import type { Comparison } from "./states";
import type { typingBox } from "./typing_box";

/** Of a section beside the gallery: it folds, and is counted only while it is open. */
export interface SectionState {
  opened: boolean;
  counted: boolean;
}

export interface ClassRow {
  id: number;
  name: string;
  images: number;
  out: number;
}

export interface ClassesState extends SectionState {
  classes: ClassRow[];
  errors: Record<string, string>;
  said: string;
  done: number;
}

/** Row, column, count. */
export type Cell = [number, number, number];

export interface Pair {
  label: string;
  predicted: string;
  count: number;
}

export interface ConfusionState extends SectionState {
  labels: string[];
  cells: Cell[];
  order: number[];
  pairs: Pair[];
  run: number | null;
  earlier: number[];
  since: number | null;
  change: Cell[];
  label: string;
  predicted: string;
}

export interface FixTile {
  id: number;
  label: string;
  source: string;
  becomes: string | null;
}

export interface Fix {
  key: string;
  title: string;
  why: string;
  images: number;
  action: string;
  findings: string[]; // codes of what it mends
  preview: FixTile[];
}

export interface FixesState extends SectionState {
  names: string[];
  fixes: Fix[];
  said: string;
  errors: Record<string, string>;
}

/** Thumbnails come as buffers, one for each of `ids`; of others those of `keep` are held on to. */
export interface PicturesMessage {
  type: "pictures";
  ids: number[];
  keep: number[];
  ahead?: { offset: number; tiles: Tile[]; expected: string };
}

/** An image by its id, or a picture that is none of the project's by its SHA-256. */
export type Pictured = number | string;

/** The gallery's, which hold pictures from elsewhere, too. */
export type GalleryPictures = Omit<PicturesMessage, "ids" | "keep"> & {
  ids: Pictured[];
  keep: Pictured[];
};

export interface ProgressState extends SectionState {
  comparison: Comparison | null;
  changes: {
    relabelled: number;
    left_out: number;
    brought_back: number;
    confirmed: number;
    unsure: number;
  } | null;
  run: number | null;
  images: number;
  waiting: number;
  kept: boolean;
}

export interface ReviewDay {
  day: string;
  by: string;
  decided: number;
  per_minute: number | null;
  pages: number;
  hits: number;
  images: number;
}

export interface ReviewLogState extends SectionState {
  days: ReviewDay[];
  agreement: { sentence: string; kappa: number | null } | null;
  reviewer: string;
  error: string | null;
}

export type ImageState = "new" | "kept" | "deleted" | "unsure" | "several" | "none" | "unlabelled";

export interface Tile {
  id: number;
  label: string;
  predicted: string | null;
  confidence: number | null;
  split: "train" | "valid" | "test" | null;
  in_sample: boolean;
  flags: string[];
  note: string;
  state: ImageState;
  relabelled: boolean;
  loss: number | null; // nats
  band: number | null;
  shows?: boolean | null; // the concept whose queue it is in; null: not answered
}

export interface Filters {
  label: string;
  predicted: string;
  split: string;
  host: string;
  tag: string;
  issue: string;
  finding: string; // code of a finding of the check
  text: string;
  like: string; // what a queue is put in order by
  selection: string; // name of images that were chosen on the map
  concept: string; // what the images show
}

/** What is looked for by name. */
export interface Concept {
  name: string;
  yes: number;
  no: number;
  images: number | null; // how many show it; null: too few answers
  sentence: string;
}

export type TileSize = "S" | "M" | "L";

export interface QueueKind {
  kind: string;
  title: string;
  group: string;
}

export interface GalleryState {
  kind: string;
  title: string;
  asked: Pictured[]; // some of what it was asked with
  queues: QueueKind[];
  counts: Record<string, number>;
  concepts: Concept[];
  filters: Filters;
  choices: { hosts: [string, number][]; tags: [string, number][]; issues: [string, string][] };
  classes: string[];
  class_ids: number[]; // of `classes`
  size: TileSize;
  page: number;
  total: number;
  seen: number;
  offset: number;
  tiles: Tile[];
  meaning: string;
  empty: string;
  step: { station: string; title: string } | null;
  status: string;
  error: string | null;
  advice: { sentence: string; stop: boolean; why: string } | null;
  expected: string; // what is likely wrong of the labels that accepting the page gives
  audit: number; // images of what was accepted to look at again
  can_undo: boolean;
  can_redo: boolean;
  queue_number: number;
}

export interface Near {
  id: number;
  label: string;
  cosine: number;
}

/** All that is known of one image. */
export interface Details {
  label: string;
  predicted: string | null;
  in_sample: boolean;
  reasons: string[];
  probabilities: [string, number][];
  nearest: { own: Near[]; predicted: Near[] };
  sources: { origin: string; class: string }[];
  format: string;
  width: number;
  height: number;
  bytes: number;
  split: "train" | "valid" | "test" | null;
  exif: { camera: string; taken: string; software: string; gps: boolean };
  tags: [string, number][];
  history: { words: string; by: string; at: string }[];
}

export type GalleryMessage =
  | GalleryPictures
  | { type: "turned" }
  | { type: "focus" }
  | { type: "look"; id: number }
  | WhyMessage
  | { type: "zoom"; id: number; details: Details; near: number[] };

/** The evidence for each class, the prediction first; one overlay each. */
export interface WhyMessage {
  type: "why";
  id: number;
  classes: { name: string; probability: number | null; is_label: boolean }[];
  said: string;
  exact: boolean; // its mean is the class's score
}

/** One image enlarged; `near`: pictures of those most like it. */
export interface Zoom {
  id: number;
  url: string;
  details: Details | null;
  near: Map<number, string>;
  why: (WhyMessage & { urls: string[] }) | null; // not here yet where null
}

/** What the page holds that is not the kernel's. Places count from 0 on the page. */
export interface Ui {
  focus: number; // place
  anchor: number; // place where a selection began
  selected: Set<number>; // ids
  help: boolean;
  filters: boolean;
  zoom: Zoom | null;
  why: boolean; // an enlarged image is shown with the evidence
  typing: ReturnType<typeof typingBox> | null; // the box of a class or a concept
  waiting: boolean;
  columns: number;
  more: boolean; // all queues are listed
  whole: boolean; // images are shown whole, not filling their tiles
  drawer: boolean; // what stands beside the gallery is open
  pictures: Map<Pictured, string>; // object URLs
  drawn: Map<number, string>; // the memo of each tile on the page, by id
}

/** What can be done. */
export interface Act {
  open(kind: string, like?: string): void; // `like`: of a concept its name
  narrow(filters: Partial<Filters>): void;
  unfiltered(): void;
  likePicture(): void; // asks for a picture to compare with
  filters(): void;
  size(size: TileSize): void;
  larger(by: number): void;
  help(): void;
  more(): void;
  whole(): void;
  drawer(): void;
  turn(by: number): void;
  rest(): void;
  undo(): void;
  redo(): void;
  decide(action: string, label?: string): void;
  relabel(): void;
  why(): void; // shows the evidence over the enlarged image, or no longer
  audit(): void; // opens a random tenth of what was accepted
  like(): void; // opens the images most like what is chosen
  seek(): void; // asks what the chosen images show, for more of that
  rename(): void; // of the concept that is shown
  unseek(): void;
  answer(shows: boolean, place?: number): void; // without a place of what is chosen
  move(to: number, extend?: boolean): void;
  look(place: number): void;
  close(): void;
  focused(place: number): void;
  toggle(id: number | undefined): void;
  select(ids: number[]): void;
  clicked(event: MouseEvent, place: number): void;
}
