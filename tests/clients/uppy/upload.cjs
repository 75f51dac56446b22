// Uploads files with Uppy, one after the other, and prints the URL of each.
const { files } = require("../arguments.cjs");
const uppyWith = require("./uppy.cjs");

(async () => {
    for (const file of files) {
        const uppy = await uppyWith(file);
        const { successful, failed } = await uppy.upload();
        for (const { error } of failed) throw new Error(error);
        for (const { uploadURL } of successful) console.log(uploadURL);
    }
})();
