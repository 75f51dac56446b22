// One tab at a time sends a file: two would take the upload from each other without end.

const ANSWER_MS = 250;
const locks = navigator.locks;

/** Takes `name` for this tab. Gives a function that lets go of it; null if it is taken. */
export const hold = locks ? lock : ask;

function lock(name) {
  return new Promise((resolve) => {
    const held = (taken) => (taken ? new Promise(resolve) : resolve(null));
    locks.request(`swarm-upload ${name}`, { ifAvailable: true }, held).catch(() => resolve(() => {}));
  });
}

// Without https there are no locks: tabs ask each other. Of two that ask at the same moment the smaller number has it.
const channel = locks ? null : new BroadcastChannel("swarm-upload");
const number = Math.random();
const mine = new Map();

channel?.addEventListener("message", ({ data: { name, from, to } }) => {
  const state = mine.get(name);
  if (to === number) state?.refuse();
  else if (state && !to && (state.held || number < from)) channel.postMessage({ name, to: from });
});

async function ask(name) {
  if (mine.has(name)) return null;
  const state = {};
  mine.set(name, state);
  state.held = await new Promise((resolve) => {
    state.refuse = () => resolve(false);
    channel.postMessage({ name, from: number });
    setTimeout(resolve, ANSWER_MS, true);
  });
  if (!state.held) mine.delete(name);
  return state.held ? () => mine.delete(name) : null;
}
