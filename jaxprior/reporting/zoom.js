const dialog = document.querySelector("dialog");  // a picture that is clicked, larger, with its name
document.body.addEventListener("click", event => {
  if (event.target.tagName !== "IMG" || dialog.contains(event.target)) return;
  dialog.querySelector("img").src = event.target.src;
  dialog.querySelector("p").textContent = event.target.alt;
  dialog.showModal();
});
dialog.addEventListener("click", () => dialog.close());
