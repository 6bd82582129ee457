# Both in one command: `docker buildx bake`. Where the base is unchanged, all of it is cached.

group "default" {
  targets = ["base", "app"]
}

target "base" {
  dockerfile = "base.yaml"
  target     = "deps"
  tags       = ["article-transfer-base"]
}

target "app" {
  dockerfile = "strata.yaml"
  contexts   = { article-transfer-base = "target:base" }
  tags       = ["article-transfer"]
}
