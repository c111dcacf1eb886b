// The start page's words for times.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ago } from "../../widgets/static/start.js";

test("a time is said as people say it; an unknown one is not said", () => {
  const now = Date.parse("2026-11-24T12:00:00Z");
  assert.equal(ago("2026-11-24T00:10:00Z", now), "today");
  assert.equal(ago("2026-11-23T23:50:00.000+00:00", now), "yesterday");
  assert.equal(ago("2026-11-04T12:00:00Z", now), "20 days ago");
  assert.equal(ago("2026-05-24T12:00:00Z", now), "6 months ago");
  assert.equal(ago("", now), "");
});
