// Begins to upload a file with tus-js-client, and terminates it while it sends the second chunk. Prints the URL.
const tus = require("tus-js-client");
const { files, open, options } = require("../arguments.cjs");

let terminated = false;
const upload = new tus.Upload(open(files[0]), {
    ...options,
    onProgress: (sent) => {
        if (terminated || sent <= options.chunkSize) return;
        terminated = true;
        upload.abort(true).then(() => console.log(upload.url));
    },
    onError: (error) => {
        throw error;
    },
});
upload.start();
