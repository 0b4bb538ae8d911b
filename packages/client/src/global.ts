/** What a `<script>` tag brings: the global `hookbox`, as in `hookbox.connect(url)`. */
export { connect, HookboxError } from './index.ts'
