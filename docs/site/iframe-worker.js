/* The search of the site runs in a worker, which browsers refuse to pages that are opened as files. There, a frame takes
   the worker's place: it runs the same script, and hands messages on. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = null;
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.inner = frame.contentWindow;
      this.inner.answer = (data) => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        if (this.onmessage) this.onmessage(event);
      };
      this.ready = new Promise((done) => { this.inner.loaded = done; });
      const inner = this.inner.document;
      inner.open();
      inner.write(
        "<script>" +
        "var listeners = [];" +
        "self.addEventListener = (kind, f) => { if (kind === 'message') listeners.push(f); };" +
        "var postMessage = (data) => answer(data);" +
        "var importScripts = (...urls) => urls.reduce((before, url) => before.then(() => new Promise((done) => {" +
        "  var script = document.createElement('script');" +
        "  script.src = url; script.onload = script.onerror = done; document.head.appendChild(script);" +
        "})), Promise.resolve());" +
        "var receive = (data) => { var event = { data: data };" +
        "  listeners.forEach((f) => f(event)); if (self.onmessage) self.onmessage(event); };" +
        "<\/script><script src=\"" + url + "\" onload=\"loaded()\"><\/script>"
      );
      inner.close();
    }
    postMessage(data) { this.ready.then(() => this.inner.receive(data)); }
    terminate() { this.inner.frameElement.remove(); }
  };
}
