// The state of Try it, as widgets/try_it.py sends it.

import type { PicturesMessage } from "./review_states";

export interface Tried {
  sentence: string;
  predictions: [string, number][]; // likeliest first
  none_of_these: boolean;
  nearest: { image_id: number; label: string; similarity: number }[];
  image_id: number | null; // of the same picture in the project
  label: string | null;
}

export interface TryState {
  alone: boolean; // a page of its own, for an exported model
  title: string; // what answers
  missing: { sentence: string; station: string; title: string } | null;
  names: string[];
  name: string; // of the picture
  asking: boolean;
  answer: Tried | null;
  error: string;
  can_put: boolean;
  put: {
    label: string;
    by: "import" | "decision";
    state: "on its way" | "done" | "failed" | "known";
    sentence: string;
  } | null;
}

/** Of "Find…", as widgets/like_picture.py sends it. */
export interface LikeState {
  is_open: boolean;
  name: string; // of the picture
  asking: boolean;
  error: string;
  needs: { sentence: string; title: string } | null; // what has to be there first, for a picture
  words: { sentence: string; can: boolean; untried: string } | null; // what words take; null: not known yet
  searching: string; // the words that the worker looks for
  progress: string; // of that
}

export type TryMessage = PicturesMessage | { type: "tried" };
