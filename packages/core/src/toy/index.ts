// The toy problem of the paper's section 5.1.
export {}
