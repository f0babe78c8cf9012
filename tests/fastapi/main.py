"""The chapter's application, written anew for the comparison, with the lost `**` put back.

Only `record.py` and the benchmark run it. The order and the names are the chapter's.
"""

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pydantic import BaseModel

app = FastAPI()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")


def record(username: str, full_name: str, hashed_password: str, disabled: bool) -> dict:
    """One user; the keys are in the order in which the chapter's picture shows them."""
    return {
        "username": username,
        "email": f"{username}@example.com",
        "full_name": full_name,
        "disabled": disabled,
        "hashed_password": hashed_password,
    }


fake_users_db = {
    "johndoe": record("johndoe", "John Doe", "fakehashedsecret", False),
    "alice": record("alice", "Alice Wonderson", "fakehashedsecret2", True),
}


class User(BaseModel):
    username: str
    email: str | None = None
    full_name: str | None = None
    disabled: bool | None = None


class UserInDB(User):
    hashed_password: str


def fake_hash_password(password: str) -> str:
    return f"fakehashed{password}"


def get_user(db: dict, username: str) -> UserInDB | None:
    found = db.get(username)
    return UserInDB(**found) if found else None


def fake_decode_token(token: str) -> UserInDB | None:
    return get_user(fake_users_db, token)


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)]):
    user = fake_decode_token(token)
    if user is None:
        # The words of the chapter. FastAPI's own page says "Not authenticated" here today.
        raise HTTPException(401, "Invalid authentication credentials", {"WWW-Authenticate": "Bearer"})
    return user


async def get_current_active_user(current_user: Annotated[User, Depends(get_current_user)]):
    if current_user.disabled:
        raise HTTPException(400, "Inactive user")
    return current_user


@app.post("/token")
async def login(form_data: Annotated[OAuth2PasswordRequestForm, Depends()]):
    user = get_user(fake_users_db, form_data.username)
    if user is None or fake_hash_password(form_data.password) != user.hashed_password:
        raise HTTPException(400, "Incorrect username or password")
    return {"access_token": user.username, "token_type": "bearer"}


@app.get("/users/me")
async def read_users_me(current_user: Annotated[User, Depends(get_current_active_user)]):
    return current_user
