// What a script is told: ENDPOINT FILE... and options. Uppy hands `options` on to tus-js-client: they are the same for both.
const fs = require("node:fs");
const { PassThrough } = require("node:stream");
const { parseArgs } = require("node:util");
const { FileUrlStorage } = require("tus-js-client");

const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
        "chunk-bytes": { type: "string" },
        // The length is not known before the end: the file comes as a stream.
        deferred: { type: "boolean", default: false },
        parallel: { type: "string" },
        // Where URLs are kept, to go on with in another process.
        urls: { type: "string" },
    },
});
const [endpoint, ...files] = positionals;

const options = { endpoint };
if (values["chunk-bytes"]) options.chunkSize = Number(values["chunk-bytes"]);
if (values.deferred) options.uploadLengthDeferred = true;
if (values.parallel) options.parallelUploads = Number(values.parallel);
if (values.urls) options.urlStorage = new FileUrlStorage(values.urls);

function open(file) {
    const stream = fs.createReadStream(file);
    // A client looks up the size of a stream that says of which file it is.
    return values.deferred ? stream.pipe(new PassThrough()) : stream;
}

module.exports = { files, open, options };
