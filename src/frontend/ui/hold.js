// One file is sent by one tab at a time: two would take the upload from each other without end.

const ANSWER_MS = 250;

/** Takes `name` for this tab. Gives a function that lets go of it; null if it is taken. */
export const hold = navigator.locks ? lock : ask;

function lock(name) {
  return new Promise((resolve) => {
    const held = (taken) => (taken ? new Promise((release) => resolve(release)) : resolve(null));
    navigator.locks.request(`swarm-upload ${name}`, { ifAvailable: true }, held).catch(() => resolve(() => {}));
  });
}

// Without https there are no locks: the tabs ask each other. Of two that ask at the same moment the smaller number has it.
const channel = navigator.locks ? null : new BroadcastChannel("swarm-upload");
const number = Math.random();
const mine = new Map();

channel?.addEventListener("message", ({ data: { name, from, to } }) => {
  const state = mine.get(name);
  if (!state) return;
  if (to === number) state.refuse?.();
  else if (to === undefined && (state.held || number < from)) channel.postMessage({ name, to: from });
});

async function ask(name) {
  if (mine.has(name)) return null;
  const state = { held: false };
  mine.set(name, state);
  const refused = await new Promise((resolve) => {
    state.refuse = () => resolve(true);
    channel.postMessage({ name, from: number });
    setTimeout(resolve, ANSWER_MS, false);
  });
  if (refused) mine.delete(name);
  else state.held = true;
  return refused ? null : () => mine.delete(name);
}
