// The state of the station Use, as widgets/use.py sends it.

import type { JudgedRate } from "./states";

/** A file or folder of an export; `holds` in few words. */
export interface Part {
  path: string;
  holds: string;
  files: number;
  bytes: number;
}

export interface Format {
  name: string;
  holds: string;
  use: string; // a line of Python
  chosen: boolean;
  has_folders: boolean;
  parts: Part[];
}

/** What would be written. */
export interface Plan {
  sentence: string;
  images: number;
  files: number;
  bytes: number;
  free: number | null;
  counts: { split: string; label: string; images: number }[];
  undecided: number;
  folders: Part[];
  formats: Format[];
  version: string | null;
  card: string; // Markdown
}

/** What a draw of the test split would do: of `share`, or 0 where it would be given back. */
export interface HeldOut {
  share: number;
  moved: number;
  classes: { label: string; images: number; before: number; after: number }[];
}

export interface Tagged {
  name: string;
  at: string;
  by: string;
  images: number;
}

export type Change = "added" | "deleted" | "relabelled" | "split";

/** Of each kind of change the number, and the first of them. */
export interface Difference {
  before: string;
  after: string;
  kinds: {
    kind: Change;
    count: number;
    changes: { image_id: number; before: string; after: string }[];
  }[];
}

export type UseKind = "export" | "export_model";

export interface UseState {
  total: number;
  plan: Plan | null; // null while it is counted
  formats: string[];
  link: boolean;
  version: string; // "" as it is now
  selection: string; // the name of the images that are written alone; "" all
  versions: Tagged[]; // newest first
  names: string[];
  run: { run: number; title: string; valid: JudgedRate; out_of_fold: JudgedRate } | null;
  // Of the run on the test images; `learnt`: from so many, as they were put aside later.
  tested: { looks: number; rate: JudgedRate | null; learnt: number } | null;
  held_out: HeldOut | null; // null while it is counted
  stale: number;
  folder: string;
  model_folder: string;
  where: Partial<Record<UseKind, string>>; // absolute, of what is in the form
  commands: Partial<Record<UseKind | "diff", string>>;
  written: Partial<Record<UseKind, string>>; // by the last export; there
  can_open: boolean;
  bundle: { files: { path: string; bytes: number }[]; card: string } | null;
  predict: string;
  errors: Partial<Record<UseKind | "tag" | "diff" | "test", string>>;
  diff: Difference | null;
  comparing: boolean;
  busy: boolean;
  job: { kind: UseKind; message: string; done: number; total: number | null } | null;
  can_write: boolean;
}
