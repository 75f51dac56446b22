// Uploads files with tus-js-client, one after the other, and prints the URL of each.
const path = require("node:path");
const tus = require("tus-js-client");
const { files, open, options } = require("../arguments.cjs");

function upload(file) {
    return new Promise((resolve, reject) => {
        const upload = new tus.Upload(open(file), {
            ...options,
            metadata: { filename: path.basename(file), filetype: "application/octet-stream" },
            onSuccess: () => resolve(upload.url),
            onError: reject,
        });
        upload.findPreviousUploads().then(([previous]) => {
            if (previous) upload.resumeFromPreviousUpload(previous);
            upload.start();
        }, reject);
    });
}

(async () => {
    for (const file of files) console.log(await upload(file));
})();
