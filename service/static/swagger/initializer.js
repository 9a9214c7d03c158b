/* Shows the API's own description with Swagger UI; no inline script, so that the strict CSP holds. */
window.addEventListener("load", function () {
  window.ui = window.SwaggerUIBundle({
    url: document.getElementById("swagger-ui").dataset.spec,
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null,
    presets: [window.SwaggerUIBundle.presets.apis],
    tryItOutEnabled: false
  });
});
