"""Networks that others publish, as tables: where their files are, what is known of them, and under which licence.

`priors` lists generators, `networks` feature networks. An entry of a table is all that `jaxprior priors get NAME`
needs.
"""
