# Spike and slab by packages of R: Rscript benchmarks/programs.R [FOLDER]
#
# FOLDER has X.csv and y.csv, as `python -m benchmarks.programs --save FOLDER` writes them; without
# it, data of the same kind are simulated. A package that is not installed is skipped with a line.
# Priors are those of each package, so only times and PIPs are compared, not variances.

ITERATIONS <- 20000
BURN <- 1000
set.seed(1)

read_data <- function(folder) {
  X <- as.matrix(read.csv(file.path(folder, "X.csv"), header = FALSE))
  y <- scan(file.path(folder, "y.csv"), quiet = TRUE)
  list(X = unname(X), y = y)
}

simulate_data <- function(n = 200, p = 50, causal = 5) {
  X <- matrix(rnorm(n * p), n, p)
  y <- rowSums(X[, 1:causal]) + rnorm(n, sd = sqrt(causal))
  list(X = X, y = y - mean(y))
}

cpu <- function(expression) {
  used <- system.time(expression)  # evaluates the argument in the caller's frame
  sum(used[c("user.self", "sys.self", "user.child", "sys.child")], na.rm = TRUE)
}

# Effective draws of a chain, by the autoregression that coda fits.
effective <- function(draws) {
  if (!requireNamespace("coda", quietly = TRUE)) return(NA)
  as.numeric(coda::effectiveSize(draws))
}

report <- function(name, seconds, ess, pip) {
  cat(sprintf("%-8s CPU s %7.2f   ESS/s of the residual variance %8.1f   sum of PIPs %5.1f\n",
              name, seconds, ess / seconds, sum(pip)))
  cat("         PIPs:", sprintf("%.2f", head(pip, 8)), "...\n")
}

by_BGLR <- function(data) {
  prefix <- file.path(tempdir(), "bglr_")
  eta <- list(list(X = data$X, model = "BayesC"))
  seconds <- cpu(fit <- BGLR::BGLR(data$y, ETA = eta, nIter = BURN + ITERATIONS, burnIn = BURN,
                                   thin = 1, saveAt = prefix, verbose = FALSE))
  sigma2 <- scan(paste0(prefix, "varE.dat"), quiet = TRUE)[-seq_len(BURN)]
  report("BGLR", seconds, effective(sigma2), fit$ETA[[1]]$d)
}

by_hibayes <- function(data) {
  names <- paste0("i", seq_along(data$y))
  frame <- data.frame(id = names, y = data$y)
  seconds <- cpu(fit <- hibayes::ibrm(y ~ 1, data = frame, M = data$X, M.id = names,
                                      method = "BayesCpi", niter = BURN + ITERATIONS,
                                      nburn = BURN, thin = 1, threads = 1, verbose = FALSE))
  report("hibayes", seconds, effective(as.numeric(fit$MCMCsamples$Ve)), fit$pip)
}

# Variational: it has no draws.
by_susieR <- function(data) {
  seconds <- cpu(fit <- susieR::susie(data$X, data$y, L = 10))
  report("susieR", seconds, NA, fit$pip)
}

given <- commandArgs(trailingOnly = TRUE)
data <- if (length(given)) read_data(given[1]) else simulate_data()
programs <- list(BGLR = by_BGLR, hibayes = by_hibayes, susieR = by_susieR)
for (name in names(programs)) {
  if (!requireNamespace(name, quietly = TRUE)) {
    cat(name, "is not installed\n")
    next
  }
  programs[[name]](data)
}
