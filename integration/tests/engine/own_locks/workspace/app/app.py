import lib


def main():
    print(lib.TEXT)
