// Begins to upload a file with Uppy, and cancels it when the first chunk is sent. Prints the URL.
const { files, options } = require("../arguments.cjs");
const uppyWith = require("./uppy.cjs");

(async () => {
    const uppy = await uppyWith(files[0]);
    uppy.on("upload-progress", (file, { bytesUploaded }) => {
        if (bytesUploaded < options.chunkSize) return;
        console.log(uppy.getFile(file.id).tus.uploadUrl);
        uppy.cancelAll();
    });
    const { failed } = await uppy.upload();
    for (const { error } of failed) throw new Error(error);
})();
