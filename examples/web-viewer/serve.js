// Serves this folder, the packages and ONNX Runtime Web to a browser on this computer.
import { createReadStream, existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
/** The folder of the module that a name stands for. */
const folderOf = (name) => dirname(fileURLToPath(import.meta.resolve(name)))
const FOLDERS = {
  core: folderOf('@stochseg/core'),
  backbones: folderOf('@stochseg/backbones'),
  'onnx-adapter': folderOf('@stochseg/onnx-adapter'),
  onnxruntime: folderOf('onnxruntime-web/webgpu'),
}
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
}

/** Starts the server; port 0 takes any that is free. */
export function serve(port) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, 'http://localhost').pathname)
    const [, folder, ...rest] = path.split('/')
    const file = FOLDERS[folder]
      ? join(FOLDERS[folder], ...rest)
      : join(here, path === '/' ? 'index.html' : path)
    const type = TYPES[extname(file)]
    if (!type || !existsSync(file)) {
      response.writeHead(404).end()
      return
    }
    // Isolated pages may use threads.
    response.writeHead(200, {
      'Content-Type': type,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    })
    createReadStream(file).pipe(response)
  })
  return server.listen(port, 'localhost')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = serve(Number(process.env.PORT ?? 8080))
  server.on('listening', () => console.log(`http://localhost:${server.address().port}`))
}
