// Uppy with its plugin for tus. They are modules for browsers; in node the plugin's tus-js-client is the one for node, which
// reads streams where the other one reads blobs.
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const { open, options } = require("../arguments.cjs");

// A global of browsers, and of node since version 20.
globalThis.File ??= require("node:buffer").File;

// An `import` by name would not look into NODE_PATH.
const load = (name) => import(pathToFileURL(require.resolve(name)));

// An Uppy that has been given the file to upload.
module.exports = async (file) => {
    const { Uppy } = await load("@uppy/core");
    const { default: Tus } = await load("@uppy/tus");
    const uppy = new Uppy().use(Tus, options);
    uppy.addFile({ name: path.basename(file), type: "application/octet-stream", data: open(file) });
    return uppy;
};
