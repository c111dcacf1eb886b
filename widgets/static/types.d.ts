// What panels are made of: elements and their handlers, and the model that a kernel keeps in step.

/** What may stand inside an element; false, null and undefined are left out. */
export type Child = Node | string | number | boolean | null | undefined | readonly Child[];

type On<E extends Event, Target extends Element = HTMLInputElement> = (
  event: E & { target: Target; currentTarget: HTMLElement },
) => void;

/** `target` is what the event began at: the field that changed, the form that was sent. */
export interface Handlers {
  onchange?: On<Event>;
  onclick?: On<MouseEvent>;
  ondblclick?: On<MouseEvent>;
  ondragleave?: On<DragEvent>;
  ondragover?: On<DragEvent>;
  ondrop?: On<DragEvent>;
  onfocus?: On<FocusEvent>;
  onfocusin?: On<FocusEvent, HTMLElement>;
  oninput?: On<InputEvent>;
  onkeydown?: On<KeyboardEvent>;
  onmouseover?: On<MouseEvent, HTMLElement>;
  onpaste?: On<ClipboardEvent>;
  onsubmit?: On<SubmitEvent, HTMLFormElement>;
  ontoggle?: On<Event, HTMLDetailsElement>;
}

/** Attributes, handlers, and what pairs an element with its next drawing: see `h`. */
export interface Properties extends Handlers {
  key?: string | number | null;
  memo?: string;
  [attribute: string]: string | number | boolean | null | undefined | ((event: never) => void);
}

/** An element as `h` makes it. */
export type Made<Tag extends string> = Tag extends keyof HTMLElementTagNameMap
  ? HTMLElementTagNameMap[Tag]
  : SVGElement;
export type Tag = keyof HTMLElementTagNameMap | keyof SVGElementTagNameMap;

/** A message to the kernel: `do` names one of the panel's handlers there. */
export interface Message {
  do: string;
  [detail: string]: unknown;
}
export type Send = (message: Message) => void;

/** The browser's side of a panel. `Incoming`: messages from the kernel that are no change of state. */
export interface Model<State, Incoming = never> {
  get(name: "state"): State;
  on(event: "change:state", listener: () => void): void;
  on(
    event: "msg:custom",
    listener: (message: Incoming, buffers: DataView<ArrayBuffer>[]) => void,
  ): void;
  off(event: "change:state", listener: () => void): void;
  off(
    event: "msg:custom",
    listener: (message: Incoming, buffers: DataView<ArrayBuffer>[]) => void,
  ): void;
  send(message: Message, callbacks?: undefined, buffers?: ArrayBuffer[]): void;
}

/** What a panel is drawn with. */
export interface Context<State, Incoming = never> {
  model: Model<State, Incoming>;
  el: HTMLElement;
}
