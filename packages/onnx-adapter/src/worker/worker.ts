// The whole program of the workers that this package starts by itself, embedded as a string (scripts/embed-worker.mjs).
import { serveModel } from './serve-model'

serveModel()
