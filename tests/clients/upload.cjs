// Uploads a file with tus-js-client: node upload.cjs ENDPOINT FILE CHUNK_BYTES. Prints the upload's URL.
const fs = require("node:fs");
const path = require("node:path");
const tus = require("tus-js-client");

const [endpoint, file, chunkBytes] = process.argv.slice(2);
const upload = new tus.Upload(fs.createReadStream(file), {
    endpoint,
    chunkSize: Number(chunkBytes),
    uploadSize: fs.statSync(file).size,
    metadata: { filename: path.basename(file), filetype: "application/octet-stream" },
    onSuccess: () => console.log(upload.url),
    onError: (error) => {
        console.error(String(error));
        process.exit(1);
    },
});
upload.start();
