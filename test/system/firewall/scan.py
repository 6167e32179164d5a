# Prints the open ones of some TCP ports: scan.py ADDRESS PORT… A port that neither answers nor refuses in time is closed.
import asyncio
import sys


async def look(port):
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(sys.argv[1], port), 3)
    except (OSError, asyncio.TimeoutError):
        return None
    writer.close()
    return port


async def main():
    found = await asyncio.gather(*[look(int(port)) for port in sys.argv[2:]])
    print(*sorted(port for port in found if port is not None))


asyncio.run(main())
