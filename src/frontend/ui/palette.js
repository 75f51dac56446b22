// Colours of replicas and of versions. Style sheets know them as `--replica-0` to `--replica-7` and `--version-0` to
// `--version-3`; people who cannot tell them apart have the names beside them.

const REPLICAS = 8, VERSIONS = 4;
const replicas = new Map();
const versions = new Map();

function place(map, name, count) {
  if (!map.has(name)) map.set(name, map.size % count);
  return map.get(name);
}

/** The class that gives a replica its colour: the same everywhere on the page. */
export const colourOf = (id) => `replica-${place(replicas, id, REPLICAS)}`;

/** The class that gives a version its colour. */
export const versionColour = (version) => `version-${place(versions, version, VERSIONS)}`;
