// The state of each panel, as its Python side (widgets/NAME.py) sends it.

import type { ConfusionState, Fix, PicturesMessage } from "./review_states";

export interface Counted {
  name: string;
  images: number;
}

/** A share 0..1 that is wrong, with its 95 % interval; all null where nothing was judged. */
export type ErrorRate =
  | { error: number; low: number; high: number }
  | { error: null; low: null; high: null };

/** A project in the list: what was found in it, or why it cannot be opened; `pictures`: ids. */
export interface Card {
  problem?: string;
  images?: number;
  classes?: string[];
  working?: string;
  pictures?: number[];
}

export interface StartState {
  recent: { name: string; path: string; opened: string }[];
  cards: Record<string, Card>;
  home: string;
  reviewer: string;
  errors: { create?: string; open?: string };
}

export interface Station {
  id: string;
  title: string;
  figure: string;
  state: "empty" | "needs you" | "working" | "done" | "failed";
  sentence: string;
  details: string; // with the exact figures
}

/** A view, as its address says it: see `address.js`. */
export interface Place {
  project: string; // "" on the start page
  station: string;
  queue: string;
  filters: Record<string, string>;
  first: number; // place of the first image shown, from 1 on
  image: number | null; // enlarged
  sort: string; // of Data's grid
  by: string; // what its map is coloured by
  group: number | null; // of near-duplicates side by side, that keys act on
}

export interface ShellState {
  project: string | null;
  path: string | null;
  images: number;
  classes: number;
  decisions: number;
  reading: string | null; // why nothing can be changed
  damage: string | null;
  device: string | null; // what the training ran on, and why
  station: string;
  stations: Station[];
  place: Place;
  visits: number; // answered by the kernel
}

export interface OpenJob {
  id: number;
  open: true;
  state: "queued" | "running";
  kind: string;
  message: string;
  done: number;
  total: number | null;
  counts: Record<string, number>;
  cancel: boolean;
  left: number | null; // seconds
  silent: string | null; // that nobody works on it
  process: number | null;
}

export interface EndedJob {
  id: number;
  open: false;
  state: "done" | "failed" | "cancelled";
  text: string;
  details: string | null; // the exact figures
  verdict: Station["state"] | null; // of its station; null where it is no matter of one
  next: { station: string; title: string } | null;
  again: boolean;
}

export interface JobBarState {
  job: OpenJob | EndedJob | null;
  offers: { id: number; text: string }[];
}

export interface Refusal {
  line: number;
  problem: string;
  text: string;
}

/** What adding a text or a dropped list (`name`) would do. */
export interface Preview {
  name: string;
  error: string | null;
  found?: string;
  new: number;
  known: number;
  twice: number;
  refused: number;
  refusals?: Refusal[];
  other_class?: number;
  hosts?: [string, number][];
  more_hosts?: boolean;
  notes?: string[];
}

export interface FailureExample {
  address: string;
  detail: string;
  http_status: number | null;
  attempts: number;
  seconds: number | null;
}

/** Addresses that gave no image for one reason; `allow`: the permission that another try takes. */
export interface FailureGroup {
  code: string;
  title: string;
  count: number;
  explanation: string;
  retry: string;
  allow: "" | "allow_private" | "ignore_robots";
  next_step: string;
  examples: FailureExample[];
}

/** Bytes and files of an upload on its way. */
export interface UploadState {
  title: string;
  done: number;
  total: number;
  files: number;
  of: number;
}

/** What an import would take in. */
export interface ImportPreview {
  files: number;
  new: number;
  classes: { name: string; files: number; is_new: boolean }[];
  splits: Record<string, number>;
  skipped: { problem: string; files: number; examples: string[] }[];
  lists: { path: string; class_name: string | null }[];
  warnings: string[];
  sentence: string;
}

export interface CollectState {
  names: string[];
  classes: {
    name: string;
    images: number;
    pending: number;
    failed: number;
    newest: number[];
  }[];
  chosen: string | null;
  added: { sentence: string; refused: Refusal[]; refusals: number } | null;
  added_number: number;
  previews: Preview[];
  previewing: boolean;
  adding: boolean;
  upload: UploadState | null;
  notices: string[];
  offers: { key: string; title: string; is_upload: boolean; preview: ImportPreview | null }[];
  more_of: { label: string; images: number; points: number } | null;
  undo_import: number;
  redo_import: number;
  taken: { refused: number; refusals: { name: string; problem: string }[] } | null;
  addresses: { pending: number };
  failures: FailureGroup[];
  errors: { class?: string; add?: string; upload?: string; import?: string };
  busy: boolean;
  fetching: boolean;
  allow_private: boolean;
  by_folder: boolean;
}

/** The script that collects addresses on a search page. */
export interface Snippet {
  console: string;
  bookmarklet: string;
}

export type UploadMessage =
  | { type: "go"; id: string; files: number[] }
  | { type: "stop"; id: string }
  | { type: "took"; id: string };
export type CollectMessage =
  | UploadMessage
  | PicturesMessage
  | { type: "copy"; code: string; text: string };

export interface Look {
  label: string;
  tags: Counted[];
}

/** A problem of the data, with the next step; `images`: some of its ids; `rule`: what found it. */
export interface Finding {
  code: string;
  count: number;
  problem: string;
  fix: string;
  images: number[];
  queue: string | null;
  rule: string;
  label: string | null; // the class that it is about
}

/** One image of a group of near-duplicates. */
export interface Duplicate {
  id: number;
  label: string;
  state: string;
  decision_id: number | null;
  split: string | null;
  width: number;
  height: number;
  bytes: number;
  format: string;
  source: string;
}

/** The best to keep first; `dismissed`: somebody said that they are no duplicates. */
export interface DuplicateGroup {
  id: number;
  images: Duplicate[];
  labels_differ: boolean;
  dismissed: boolean;
}

/** Groups side by side: `first` from 0, of `total`, `page` at once; `spare`: images that keeping
 * the best of every group would delete. */
export interface Pairs {
  first: number;
  visit: [number, number]; // how many addresses named a group, and which the last one named
  total: number;
  page: number;
  spare: number;
  groups: DuplicateGroup[];
}

export interface ClassSplit {
  label: string;
  train: number;
  valid: number;
  test: number;
}

export interface CheckState {
  pairs: Pairs | null; // null: the findings are shown
  report: {
    problems: Finding[];
    dismissed: Finding[];
    fine: string[];
    classes: ClassSplit[];
  } | null;
  names: string[];
  looks: Look[];
  fixes: Fix[]; // as in the drawer of Review
  dismissable: string[]; // codes
  said: string; // what was done here last
  can_undo: boolean;
  errors: Record<string, string>; // by the key of a fix
  busy: boolean;
}

export type JudgedRate = ErrorRate & { images: number; calibration_error?: number | null };

export interface Metrics {
  judged_on: "validation" | "out-of-fold";
  out_of_fold: JudgedRate;
  valid: JudgedRate;
  elsewhere?: {
    images: number;
    sites: number;
    error: number;
    low: number;
    high: number;
    usual: number;
  };
  baselines: { majority: number | null; nearest_mean_image: number | null };
  per_class: {
    label: string;
    support: number;
    precision: number | null;
    recall: number | null;
    f1: number | null;
  }[];
  diagnosis?: { code: string; sentence: string; next_step: string }[];
}

/** A step or an epoch of a training. */
export interface HistoryRow {
  step?: number;
  epoch?: number;
  phase?: string;
  train_loss: number | null;
  valid_loss: number | null;
  error_rate: number | null;
  seconds: number;
}

export type Side = ErrorRate & { run: number };

/** Both runs, by the labels of one time. */
export interface Version {
  labels: "now" | "before";
  images: number;
  before: Side;
  after: Side;
  sentence: string;
}

export interface Comparison extends Version {
  decisions: number;
  corrected: number;
  relabelled: number;
  deleted: number;
  warning: string | null;
  difference: { points: number } | null;
  p_value: number;
  versions: Version[];
}

export interface RunRow {
  run: number;
  at: string; // when it ended, as ISO 8601
  interim: boolean; // an automatic refit
  in_use: boolean; // exported and reviewed
  recipe: string;
  backbone: string;
  images: number;
  out_of_fold_error: number | null;
  valid_error: number | null;
  seconds: number;
}

export type RunSide = "before" | "after";

export interface TrainState {
  names: string[];
  run: number | null;
  title: string; // of the run in use: that it is a refit, if so
  chosen: boolean; // by the user; else it is the newest that was asked for
  guessing: number | null; // error 0..1 of always saying one class
  is_guessing: boolean;
  recipe: string;
  metrics: Metrics | null;
  mistakes: { id: number; label: string; predicted: string; confidence: number }[];
  weak: { code: string; problem: string; images: number }[]; // findings of the check
  confusion: Omit<ConfusionState, "opened" | "counted">; // of the run that ranks
  history: HistoryRow[];
  live: HistoryRow[];
  choice: string;
  notes: string[];
  comparison: Comparison | null;
  compared: Record<RunSide, number | null>;
  runs: RunRow[];
  rates: { rates: number[]; losses: number[]; minimum: number | null; steep: number | null } | null;
  learning: {
    points: { images: number; error: number; low: number; high: number }[];
    sentence: string;
  } | null;
  form: Record<string, string | number | boolean | null>;
  form_number: number;
  cost: string;
  held_back: string; // why the newest run is not in use, where nobody chose another
  backbones: { name: string; note: string; here: boolean }[];
  networks: { sentence: string } | null; // how they compare
  images: number;
  stale: number;
  error: string | null;
  busy: boolean;
}
