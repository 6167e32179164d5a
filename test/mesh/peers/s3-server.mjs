// Starts s3rver on a free port of the loopback, with one bucket in the folder of the first argument; prints the port.

import S3rver from 's3rver';

const server = new S3rver({
  port: 0,
  address: '127.0.0.1',
  silent: true,
  directory: process.argv[2],
  configureBuckets: [{ name: 'backups' }],
});
const { port } = await server.run();
console.log(port);
